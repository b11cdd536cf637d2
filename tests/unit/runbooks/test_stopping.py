"""Ctrl-C once and twice at every point of a rollout: what still finishes, what is rolled back, what never begins."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet.report import Exit, Report
from fleet.stop import Stop
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tests.fakes.fleet import WORKERS, FakeFleet, build, ctrl_c, every, outcomes

AFTER_CANARY = every(WORKERS, "untouched") | {"worker-1": "migrated"}
ROLLED_BACK = every(WORKERS, "untouched") | {"worker-1": "rolled_back"}


def prepared(fakes: FakeFleet, **options: Any) -> Rollout:
    chosen = {"settle_seconds": 0.0} | options
    return Rollout(fakes.fleet, fakes.names, RolloutOptions(**chosen), fakes.screen)


def interrupted_at(fakes: FakeFleet, name: str, script: str, *args: str, presses: int = 1, skip: int = 0) -> Report:
    """Run a rollout in which Ctrl-C is pressed as ``script`` begins on the machine ``name``."""
    rollout = prepared(fakes)
    machine = fakes.nodes.get(name) or fakes.hosts[name]
    machine.when(script, *args, skip=skip, times=1, begins=partial(ctrl_c, rollout.stop, presses))
    return rollout.carry_out()


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize(
    ("machine", "script"),
    [("worker-1", "facts"), ("worker-3", "facts"), ("vm-1", "caches_verify"), ("worker-2", "http_status")],
)
def test_before_the_first_wave_nothing_changes(tmp_path: Path, machine: str, script: str, presses: int) -> None:
    fakes = build(tmp_path)
    report = interrupted_at(fakes, machine, script, presses=presses)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, every(WORKERS, "untouched"))
    assert not any(node.called("stage") for node in fakes.nodes.values())
    assert not fakes.hosts["vm-1"].called("caches_hold")
    assert fakes.journal("stop")


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize(("script", "skip"), [("stage", 0), ("prove", 1)])
def test_a_node_that_is_only_prepared_is_abandoned(tmp_path: Path, script: str, skip: int, presses: int) -> None:
    fakes = build(tmp_path)
    report = interrupted_at(fakes, "worker-1", script, presses=presses, skip=skip)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, every(WORKERS, "untouched"))
    assert fakes["worker-1"].called("abandon")
    assert fakes["worker-1"].state == "none"
    assert fakes.armed() == []
    assert not fakes.hosts["vm-1"].locks


def no_later_wave(fakes: FakeFleet, renewals: int = 1) -> None:
    """Not even announced: its maintenance lock is not renewed, and nobody reads that it begins."""
    assert len(fakes.hosts["vm-1"].called("caches_hold")) == renewals
    assert not any(line.startswith("wave ") for line in fakes.screen.lines)
    assert not fakes.hosts["vm-1"].locks


CHANGING = ["arm", "swap", "restart", "verify"]


@pytest.mark.parametrize("script", [*CHANGING, "confirm"])
def test_once_the_node_at_work_finishes_and_no_later_wave_begins(tmp_path: Path, script: str) -> None:
    fakes = build(tmp_path)
    report = interrupted_at(fakes, "worker-1", script)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, AFTER_CANARY)
    assert fakes["worker-1"].state == "confirmed"
    assert not fakes["worker-1"].called("pull")
    assert not fakes["worker-2"].called("stage")
    no_later_wave(fakes)
    assert [it["urgent"] for it in fakes.journal("stop")] == [False]


@pytest.mark.parametrize(("script", "skip"), [*((script, 0) for script in CHANGING), ("swap", 1), ("verify", 1)])
def test_twice_the_node_at_work_is_rolled_back_before_its_next_step(tmp_path: Path, script: str, skip: int) -> None:
    fakes = build(tmp_path)
    report = interrupted_at(fakes, "worker-1", script, presses=2, skip=skip)
    if (script, skip) == ("verify", 1):
        # Nothing is left to do but to confirm what is healthy.
        assert outcomes(report) == AFTER_CANARY
        return
    scripts = fakes["worker-1"].scripts
    before = scripts[: scripts.index("rollback")]
    assert (before[-1], before.count(script)) == (script, skip + 1)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, ROLLED_BACK)
    assert fakes["worker-1"].untouched
    assert fakes["worker-1"].state == "rolled_back"
    assert any(it["urgent"] for it in fakes.journal("stop"))


def test_twice_while_a_confirmation_runs_keeps_the_node(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    assert outcomes(interrupted_at(fakes, "worker-1", "confirm", presses=2)) == AFTER_CANARY


def test_twice_cuts_a_wait_short(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    rollout = prepared(fakes, settle_seconds=20.0)
    fakes["worker-1"].when("verify", times=1, ends=partial(ctrl_c, rollout.stop, 2))
    assert outcomes(rollout.carry_out()) == ROLLED_BACK


def test_twice_cuts_short_a_script_that_takes_long(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    rollout = prepared(fakes)
    fakes["worker-1"].when("restart", begins=partial(ctrl_c, rollout.stop, 2), delay=20)
    assert outcomes(rollout.carry_out()) == ROLLED_BACK


def test_in_a_wave_all_nodes_that_are_armed_come_to_their_end(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    rollout = prepared(fakes)
    both = threading.Barrier(2)
    fakes["worker-2"].when("restart", begins=both.wait)
    fakes["worker-3"].when("restart", begins=both.wait, ends=partial(ctrl_c, rollout.stop))
    report = rollout.carry_out()
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, every(WORKERS, "migrated"))


def test_twice_in_a_wave_all_nodes_that_are_armed_are_rolled_back(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    rollout = prepared(fakes)
    both, pressed = threading.Barrier(2), threading.Event()
    fakes["worker-2"].when("restart", begins=both.wait, ends=pressed.wait)

    def press() -> None:
        ctrl_c(rollout.stop, 2)
        pressed.set()

    fakes["worker-3"].when("restart", begins=both.wait, ends=press)
    report = rollout.carry_out()
    rolled_back = every(WORKERS, "rolled_back") | {"worker-1": "migrated"}
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, rolled_back)


def test_while_a_canary_pulls_no_later_wave_begins(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    report = interrupted_at(fakes, "worker-1", "pull")
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, AFTER_CANARY)
    no_later_wave(fakes, renewals=2)


def test_while_the_lock_is_renewed_no_node_of_the_wave_begins(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    report = interrupted_at(fakes, "vm-1", "caches_hold", skip=2)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, AFTER_CANARY)
    assert not fakes["worker-2"].called("stage")
    assert not fakes.hosts["vm-1"].locks


def test_a_node_left_unverified_weighs_more_than_the_interruption(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-1"].when("rollback", fails="NOT restored: /etc/containerd/config.toml", code=5)
    assert interrupted_at(fakes, "worker-1", "restart", presses=2).exit_code is Exit.NOT_VERIFIED


def test_the_settle_time_is_waited_between_two_verifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = build(tmp_path, {"worker-1": "1.7"})
    waited: list[tuple[float, int]] = []
    monkeypatch.setattr(Stop, "wait", lambda _, it: waited.append((it, len(fakes["worker-1"].called("verify")))))
    prepared(fakes, settle_seconds=7.0).carry_out()
    assert waited == [(7.0, 1)]
    assert len(fakes["worker-1"].called("verify")) == 2
