"""A journal that cannot be written from some line on: nothing new starts, and what is at work comes to its end."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nornir.core.task import Result, Task

import runbooks.rollout
import runbooks.wave
import tasks.caches.deploy
import tasks.migrate
from caches.plan import Act, Action, HostPlan
from fleet.inventory import load
from fleet.journal import Journal
from fleet.journal_file import JournalFile
from fleet.report import NodeReport, Outcome, Report
from fleet.screen import Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.options import RolloutOptions
from runbooks.record import processors
from runbooks.rollout import Rollout
from tasks.caches.deploy import deploy
from tasks.verify import Verified

INVENTORY = Path(__file__).parents[3] / "inventory"
NODES = ("worker-1", "worker-2", "worker-3", "worker-4", "worker-5")
RUN = "20260214T031502Z-1f3a"
WHY = "cannot be written: No space left on device"
Fails = Callable[[dict[str, Any]], bool]


class FailsFrom:
    """A journal's file that takes no line from the one on that ``fails`` says."""

    def __init__(self, path: Path, fails: Fails) -> None:
        self._file, self._fails, self._full = JournalFile(path), fails, False

    def append(self, line: bytes) -> None:
        self._full = self._full or self._fails(json.loads(line))
        if self._full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._file.append(line)

    def close(self) -> None:
        self._file.close()


def at(event: str, step: str = "", node: str = "worker-1") -> Fails:
    def fails(line: dict[str, Any]) -> bool:
        return (line["event"], line.get("step", ""), line.get("node", node)) == (event, step, node)

    return fails


def stand_in(name: str, done: list[tuple[str, str]]) -> Callable[..., Result]:
    def step(task: Task, **_: object) -> Result:
        done.append((task.host.name, name))
        return Result(task.host, result=Verified(SimpleNamespace(state="ok")))  # type: ignore[arg-type]

    step.__name__ = name
    return step


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails) -> tuple[Report, list[tuple[str, str]]]:
    """A rollout over five nodes in four waves, all of whose steps do nothing but say that they were done."""
    done: list[tuple[str, str]] = []
    plan = SimpleNamespace(
        acts=True,
        restart=True,
        reason="config_path",
        diff="",
        files=(SimpleNamespace(kind="config", path="/etc/containerd/config.toml", before_sum="absent", after=""),),
        facts=SimpleNamespace(daemon=SimpleNamespace(version=SimpleNamespace(text="1.7.24")), cri=None),
        decision=SimpleNamespace(notes=(), findings=(), strategy=SimpleNamespace(value="config_path")),
    )
    monkeypatch.setattr(runbooks.rollout, "plan", lambda task, *_, **__: Result(task.host, result=plan))
    for name in ("stage", "prove", "arm", "swap", "restart", "verify", "confirm", "abandon"):
        monkeypatch.setattr(tasks.migrate, name, stand_in(name, done))
    monkeypatch.setattr(runbooks.wave, "abandon", lambda task, _: task.run(stand_in("abandon", done))[0])
    monkeypatch.setattr("runbooks.record.Journal", partial(Journal, opened=lambda path: FailsFrom(path, fails)))
    fleet = replace(load(INVENTORY), runs=tmp_path / "runs")
    options = RolloutOptions(yes=True, settle_seconds=0, without_gate=True)
    return Rollout(fleet, NODES, options, Screen(quiet=True)).carry_out(), done


WHOLE = ["stage", "prove", "arm", "swap", "restart", "verify", "verify", "confirm"]


@pytest.mark.parametrize(
    ("fails", "steps"),
    [
        (at("plan"), []),
        (at("begin", "stage"), []),
        (at("end", "stage"), ["stage", "abandon"]),
        (at("begin", "prove"), ["stage", "abandon"]),
        (at("end", "prove"), ["stage", "prove", "abandon"]),
        (at("begin", "arm"), ["stage", "prove", "abandon"]),
        (at("end", "arm"), WHOLE),
        (at("begin", "swap config.toml"), WHOLE),
        (at("end", "verify"), WHOLE),
        (at("end", "confirm"), WHOLE),
    ],
)
def test_a_node_that_is_armed_finishes_and_no_other_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails, steps: list[str]
) -> None:
    report, done = run(monkeypatch, tmp_path, fails)
    assert done == [("worker-1", step) for step in steps]
    assert report.exit_code == 3
    assert WHY in report.unrecorded
    assert json.loads(report.as_json())["exit"] == 3
    assert json.loads(report.as_json())["unrecorded"] == report.unrecorded
    untouched = NODES if steps != WHOLE else NODES[1:]
    for name in untouched:
        assert (report.nodes[name].outcome, WHY in report.nodes[name].reason) == (Outcome.UNTOUCHED, True)
    assert steps != WHOLE or report.nodes["worker-1"].outcome is Outcome.MIGRATED


def test_of_a_wave_only_those_go_on_that_are_armed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report, done = run(monkeypatch, tmp_path, at("begin", "arm", "worker-5"))
    assert [report.nodes[name].outcome for name in ("worker-1", "worker-2", "worker-4")] == [Outcome.MIGRATED] * 3
    assert ("worker-5", "arm") not in done
    for name in ("worker-3", "worker-5"):
        migrated = report.nodes[name].outcome is Outcome.MIGRATED
        assert migrated == ((name, "confirm") in done) == ((name, "abandon") not in done)
        assert migrated or WHY in report.nodes[name].reason
    assert report.exit_code == 3


@pytest.mark.parametrize("fails", [at("node"), at("finish")])
def test_the_last_lines_count_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails) -> None:
    report, _ = run(monkeypatch, tmp_path, fails)
    assert {node.outcome for node in report.nodes.values()} == {Outcome.MIGRATED}
    assert (report.exit_code, WHY in report.unrecorded) == (3, True)


def test_a_whole_journal_is_said_nothing_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report, done = run(monkeypatch, tmp_path, lambda _: False)
    assert (report.exit_code, report.unrecorded) == (0, "")
    assert len(done) == len(NODES) * len(WHOLE)
    assert "unrecorded" not in json.loads(report.as_json())


def test_a_canarys_pulls_are_not_checked_without_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fleet = replace(load(INVENTORY), runs=tmp_path / "runs")
    rollout = Rollout(fleet, NODES, RolloutOptions(yes=True), Screen(quiet=True))
    rollout.reports["worker-2"] = NodeReport(Outcome.MIGRATED, "config_path; CRI ok")
    monkeypatch.setattr("runbooks.canary.Verify", lambda *_: pytest.fail("it pulled"))
    with Journal(tmp_path, RUN, opened=lambda path: FailsFrom(path, lambda _: True)) as journal:
        journal.stopping(urgent=False)
        rollout._prove("worker-2", pytest.fail, journal)  # type: ignore[arg-type]
    report = rollout.reports["worker-2"]
    assert report.outcome is Outcome.MIGRATED
    assert report.reason == f"config_path; CRI ok; its pulls were not checked: {journal.broken}"


@pytest.mark.parametrize(
    ("fails", "begun"),
    [
        (at("begin", "create a", "registry-vm"), []),
        (at("end", "create a", "registry-vm"), ["a"]),
        (at("begin", "start b", "registry-vm"), ["a"]),
        (at("end", "start b", "registry-vm"), ["a", "b"]),
        (lambda _: False, ["a", "b", "c"]),
    ],
)
def test_a_deploy_begins_no_further_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails, begun: list[str]
) -> None:
    done: list[str] = []

    def carry_out(task: Task, action: Action, **_: object) -> Result:
        done.append(action.container)
        return Result(task.host)

    monkeypatch.setattr(tasks.caches.deploy, "carry_out", carry_out)
    actions = (Action(Act.CREATE, "a"), Action(Act.START, "b"), Action(Act.RECREATE, "c"))
    with Journal(tmp_path, RUN, opened=lambda path: FailsFrom(path, fails)) as journal:
        screen = Screen(quiet=True)
        nornir = nornir_for(load(INVENTORY), ["registry-vm"], processors(screen, journal), Stop())
        plan = HostPlan(actions, ())
        results = nornir.run(lambda task: deploy(task, plan, lambda: bool(journal.broken)), name="deploy")
    assert done == begun
    assert [it.action.container for it in results["registry-vm"][0].result] == begun
