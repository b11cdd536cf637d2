"""One cell, from a fresh node to its verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import cgroups, network
from lab.topology import Node
from tests.faults import faults, journals, trees
from tests.faults.cells import Cell
from tests.faults.daemon import IMPORTS, cri_errors, cri_errors_slowly, with_imports
from tests.faults.rule import GRACE_SECONDS, Evidence, complaints, outcome_in
from tests.faults.scene import Scene
from tests.faults.trees import Tree
from tests.faults.watch import Watch, daemon_of
from tests.lab import containers

CONTROLLER_SECONDS = 60
"""How much longer than its node a controller may take to come to its end."""
BOOT_SECONDS = 60
UNITS = (
    "systemctl list-units --plain --no-legend 'containerd-fleet*' | cut -d' ' -f1; "
    "find /etc/systemd/system /run/systemd/transient -name '*containerd-fleet*' 2>/dev/null || true"
)


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a cell, if anything, and what it came to."""

    cell: Cell
    complaints: tuple[str, ...]
    seconds: float
    ended: tuple[int, str]
    files: str
    report: str

    @property
    def passed(self) -> bool:
        """Whether every clause of the rule holds."""
        return not self.complaints


def run(cell: Cell, node: Node, new: Tree, directory: Path) -> Verdict:
    """Run ``cell`` on ``node``, which is fresh. ``new`` are the files of an undisturbed rollout there."""
    scene = Scene(node, cell.variant, cell.point, cell.fault.limits, directory, cell.fault.username)
    try:
        _prepare(cell, scene)
        container = containers.start(scene.node)
        new = trees.replaced(new, *_imports(scene))
        scene.start()
        if not scene.reached():
            return _never_there(cell, scene)
        with Watch(node.name, lambda: scene.old, new, scene.before) as watch:
            evidence = _strike(cell, scene, watch, container)
        return _verdict(cell, scene, evidence)
    finally:
        scene.kill()
        network.mend(node)
        faults.thaw_sshd(scene)


def _prepare(cell: Cell, scene: Scene) -> None:
    cell.fault.prepare(scene)
    if cell.point.state:
        cri_errors_slowly(scene)
    elif cell.point.rolls_back:
        cri_errors(scene)
    scene.remember()


def _imports(scene: Scene) -> tuple[str, str]:
    """Return what the fault's preparation has changed in config.toml, as a replacement."""
    config = scene.node.config
    plain = config.replace(IMPORTS, "", 1)
    if plain == config:
        return ("", "")
    line = plain.partition("\nversion = ")[2].partition("\n")[0]
    return (f"\nversion = {line}\n", with_imports(f"\nversion = {line}\n"))


def _strike(cell: Cell, scene: Scene, watch: Watch, container: containers.Container) -> Evidence:
    """Let the fault happen, and wait for what comes of it; where nothing more comes by itself, settle it."""
    since = time.monotonic()
    booted = _boots_again(scene.lab.name)
    cell.fault.strike(scene)
    scene.go()
    boot = _wait(booted, since + BOOT_SECONDS) - since if cell.fault.boots else 0.0
    allowed = scene.limits.revert_after + GRACE_SECONDS + boot
    _wait(lambda: _to_be_lifted(cell, scene, watch), since + allowed)
    healed = watch.settled
    lifted = time.monotonic()
    cell.fault.lift(scene)
    _wait(lambda: not scene.running, lifted + CONTROLLER_SECONDS)
    hung = scene.running
    scene.kill()
    overtaken = cell.fault.outlasts and not healed
    if not overtaken:
        _wait(lambda: watch.settled, since + allowed)
    seconds = watch.healthy_after(since)
    if not scene.finished and (cell.fault.outlasts or scene.ran.exit not in (0, 1)):
        scene.finish()
    if overtaken:
        _wait(lambda: watch.settled, lifted + allowed)
        seconds = watch.healthy_after(lifted)
    return _evidence(scene, watch, seconds, allowed, container, hung=hung, since=since)


def _to_be_lifted(cell: Cell, scene: Scene, watch: Watch) -> bool:
    """Say whether the fault has done what it can: its controller has ended, or the node has helped itself."""
    alone = cell.fault.kills_controller or any(sight.armed for _, sight in watch.seen)
    return watch.settled and (not scene.running or (alone and not cell.fault.outlasts))


def _boots_again(name: str) -> Callable[[], bool]:
    """Return the question whether a node has been booted since now, and has a containerd."""
    before = cgroups.leader(name)
    return lambda: cgroups.leader(name) not in (None, before) and daemon_of(name) is not None


def _evidence(
    scene: Scene,
    watch: Watch,
    seconds: float,
    allowed: float,
    container: containers.Container,
    *,
    hung: bool,
    since: float,
) -> Evidence:
    ran = None if hung else scene.ran
    written = journals.read(scene.runs)
    return Evidence(
        seconds=seconds,
        allowed=allowed,
        old=scene.old,
        new=watch.new,
        tree=scene.tree(),
        cri=watch.last_look().cri,
        container_runs=_runs(container),
        units=tuple(scene.node.sh(UNITS).split()),
        ran=ran,
        journal=written[0] if written else None,
        outcome=outcome_in(ran),
        finish=scene.finished,
        second=scene.second,
        timeline=tuple(f"{at - since:+.2f} s: {sight}" for at, sight in watch.seen),
    )


def _runs(container: containers.Container) -> bool:
    try:
        return container.runs
    except AssertionError:
        return False


def _verdict(cell: Cell, scene: Scene, seen: Evidence) -> Verdict:
    wrong = complaints(cell, seen)
    ended = (seen.ran.exit if seen.ran else 0, seen.outcome)
    return Verdict(cell, tuple(wrong), seen.seconds, ended, seen.files, _report(scene, seen))


def _never_there(cell: Cell, scene: Scene) -> Verdict:
    said = (scene.directory / "stdout").read_text() + (scene.directory / "stderr").read_text()
    wrong = f"the run never came to the point {cell.point.name}"
    return Verdict(cell, (wrong,), float("inf"), (0, ""), "", said)


def _report(scene: Scene, seen: Evidence) -> str:
    """Return what a person needs to see where a cell fails."""
    parts = {
        "the node": "\n".join(seen.timeline),
        "the controller": f"{seen.ran.stdout}\n{seen.ran.stderr}" if seen.ran else "still running",
        "the journal": "\n".join(json.dumps(line) for line in seen.journal.lines) if seen.journal else "none",
        "finish": f"{seen.finish.exit}\n{seen.finish.stdout}\n{seen.finish.stderr}" if seen.finish else "not run",
        "transactions": scene.node.sh(
            "ls -la /var/lib/containerd-fleet /var/lib/containerd-fleet/current/ 2>&1; "
            "cat /var/lib/containerd-fleet/*/state 2>&1 || true"
        ),
    }
    return "\n".join(f"--- {title}\n{text}" for title, text in parts.items())


def _wait(holds: Callable[[], bool], until: float) -> float:
    """Wait for ``holds``, no longer than ``until``; return when that was."""
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return time.monotonic()
