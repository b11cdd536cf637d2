"""A node seen from outside, without SSH: its files, its CRI plugin, and whether anything of ours is still armed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from lab import cgroups, health, machine
from lab.errors import LabError
from lab.process import start_time
from tests.faults import trees
from tests.faults.trees import CONFIG, Tree

EVERY_SECONDS = 0.25
LOOKS = 5
LOOK_SECONDS = 2
LAST_LOOK_SECONDS = 15
"""On a machine with more nodes than cores ctr alone may take seconds; that says nothing of CRI."""
TIMED_OUT = 124
CLOCKS_SECONDS = 0.05
"""How far the clock of a file system may be behind the one of processes."""
ETC = "etc/containerd"
BASE = "var/lib/containerd-fleet"
UNITS = ("etc/systemd/system", "run/systemd/transient", "run/systemd/system")


@dataclass(frozen=True)
class Sight:
    """A node at one moment. ``files`` is ``old``, ``new``, or how they differ from both."""

    files: str
    cri: str
    armed: bool = False

    @property
    def good(self) -> bool:
        """Whether the files are whole and containerd answers for them."""
        return self.files in ("old", "new") and self.cri == "ok"


DOWN = Sight("down", "down")
Daemon = tuple[int, int]
"""A process, by id and start time."""


@dataclass
class Watch:
    """Looks at a node again and again, and keeps each change of what it sees with its time (monotonic).

    ``before`` is the containerd that runs on the old files since before the run.
    """

    node: str
    old: Callable[[], Tree]
    new: Tree
    before: Daemon | None
    seen: list[tuple[float, Sight]] = field(default_factory=list)
    _ok: Daemon | None = None
    _ended: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def __enter__(self) -> Watch:
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    @property
    def settled(self) -> bool:
        """Whether the node is well, and nothing is armed there that would still change it."""
        return bool(self.seen) and self.seen[-1][1].good and not self.seen[-1][1].armed

    def healthy_after(self, since: float) -> float:
        """Return how many seconds after ``since`` the node was well with the files that it kept; infinity if never."""
        if not self.seen or not self.seen[-1][1].good:
            return float("inf")
        kept = self.seen[-1][1].files
        first = self.seen[-1][0]
        for at, sight in reversed(self.seen):
            if not sight.good or sight.files != kept:
                break
            first = at
        return max(0.0, first - since) if len(self.seen) > 1 else 0.0

    def last_look(self) -> Sight:
        """Return how the node is now, whatever its containerd answered before. A slow answer is waited for."""
        self._ok = None
        return self.look(LAST_LOOK_SECONDS)

    def look(self, within: float = LOOK_SECONDS) -> Sight:
        """Return how the node is now; its containerd has ``within`` seconds for its answer."""
        for _ in range(LOOKS):
            try:
                return self._look(within)
            except FileNotFoundError:  # a file went between its name and its content: that is a rollback at work
                continue
            except (OSError, LabError, subprocess.TimeoutExpired):
                break
        return DOWN

    def _look(self, within: float) -> Sight:
        root = machine.root(self.node)
        tree = trees.live(trees.read(root / ETC))
        armed = any(any((root / directory).rglob("*containerd-fleet*")) for directory in UNITS)
        files = self._named(tree)
        return Sight(files, self._cri(files, root / ETC / CONFIG, within), armed)

    def _named(self, tree: Tree) -> str:
        old = self.old()
        if tree == old:
            return "old"
        return "new" if tree == self.new else f"not old: {trees.difference(tree, old)}"

    def _cri(self, files: str, config: Path, within: float) -> str:
        """Ask CRI; what a process that has loaded it once said stays true as long as it lives.

        A containerd that was started on other files than the live ones does not count.
        """
        daemon = daemon_of(self.node)
        if daemon is None:
            return "no containerd"
        if files != "old" if daemon == self.before else started(daemon) < config.stat().st_ctime - CLOCKS_SECONDS:
            return "started on other files"
        if daemon == self._ok:
            return "ok"
        done = machine.run(self.node, f"timeout {within:g} ctr plugins ls", timeout=within + 8)
        if done.returncode == TIMED_OUT:
            return "no answer"
        state = health.cri_state(done.stdout.decode(errors="replace"))
        if state == "ok" and daemon == daemon_of(self.node):
            self._ok = daemon
        return state

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            sight = self.look()
            if not self.seen or self.seen[-1][1] != sight:
                self.seen.append((time.monotonic(), sight))


def started(daemon: Daemon) -> float:
    """Return when a process was started, by the clock of files."""
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + daemon[1] / os.sysconf("SC_CLK_TCK")


def daemon_of(node: str) -> Daemon | None:
    """Return the process that is the node's containerd; None while there is none."""
    for pid in cgroups.service(node, "containerd.service"):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "containerd":
                since = start_time(pid)
                return (pid, since) if since else None
    return None


def transaction_state(node: str) -> str:
    """Return what the node's newest transaction says of itself, nothing where there is none."""
    with suppress(OSError, LabError):
        base = machine.root(node) / BASE
        newest = max(base.glob("[0-9]*/state"), default=None)
        return newest.read_text().strip() if newest else ""
    return ""
