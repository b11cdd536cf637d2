"""One wave: nobody is armed unless everybody is prepared, and each node that was armed comes to an end of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nornir.core.task import Result, Task

from fleet.journal import Journal
from fleet.report import Exit, Report
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from runbooks.wave import Wave
from tasks import migrate
from tasks.plan import plan
from tasks.run import Run
from tests.fakes.fleet import WORKERS, FakeFleet, build, every, outcomes
from tests.fakes.node import CONFIG, ScriptedNode, emit

OTHERS = every(WORKERS, "untouched") | {"worker-1": "migrated"}


def rollout(fakes: FakeFleet) -> Report:
    return Rollout(fakes.fleet, fakes.names, RolloutOptions(settle_seconds=0), fakes.screen).carry_out()


PREPARING = [("stage", 0), ("prove", 1)]


@pytest.mark.parametrize(("script", "skip"), PREPARING)
@pytest.mark.parametrize("how", ["fails", "lost"])
def test_one_that_fails_to_prepare_keeps_the_whole_wave_unarmed(
    tmp_path: Path, script: str, skip: int, how: str
) -> None:
    fakes = build(tmp_path)
    rule = {"fails": "no space left on device"} if how == "fails" else {"lost": "after"}
    fakes["worker-3"].when(script, skip=skip, **rule)
    report = rollout(fakes)
    word = "unreachable" if how == "lost" else "failed"
    assert outcomes(report) == OTHERS | {"worker-3": word}
    assert fakes.armed() == ["worker-1"]
    for name in ("worker-2", "worker-3"):
        assert fakes[name].untouched
    assert fakes["worker-2"].state == "none"
    # What was prepared is removed again, also where the node itself failed at its sandbox test.
    assert fakes["worker-2"].called("abandon")
    assert bool(fakes["worker-3"].called("abandon")) is (script == "prove")
    assert report.exit_code is (Exit.FAILED if word == "failed" else Exit.UNREACHABLE)


def test_once_one_has_failed_to_prepare_no_further_node_begins(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-1"].when("stage", fails="no space left on device")
    assert outcomes(rollout(fakes)) == every(WORKERS, "untouched") | {"worker-1": "failed"}
    assert not any(fakes[name].called("stage") for name in WORKERS[1:])


def test_nodes_that_wait_for_a_worker_do_not_begin_either(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    run = Run.begin(fakes.fleet.transaction, Stop())
    nornir = nornir_for(fakes.fleet, WORKERS, [], Stop())
    plans = {name: result[0].result for name, result in nornir.run(plan_as_filed(fakes)).items()}
    fakes["worker-1"].when("stage", fails="no space left on device")
    options = RolloutOptions(settle_seconds=0, num_workers=1)
    with Journal(fakes.fleet.runs, run.id) as journal:
        wave = Wave(fakes.fleet, nornir, plans, run, options, fakes.screen, journal)
        wave.carry_out(WORKERS)
    assert list(wave.reports) == ["worker-1"]
    assert not any(fakes[name].called("stage") for name in WORKERS[1:])


def plan_as_filed(fakes: FakeFleet) -> Callable[[Task], Result]:
    def plan_one(task: Task) -> Result:
        node = fakes.fleet.nodes[task.host.name]
        return plan(task, node.generation, fakes.fleet.policy(node.name))

    return plan_one


def test_a_candidate_that_does_not_load_never_gets_near_the_live_files(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-1"].broken_by_change = True
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "untouched") | {"worker-1": "failed"}
    assert fakes["worker-1"].state == "none"
    assert not fakes["worker-1"].called("arm")


@pytest.mark.parametrize("script", ["arm", "swap", "restart", "verify", "confirm"])
def test_one_that_fails_once_it_is_armed_is_rolled_back(tmp_path: Path, script: str) -> None:
    fakes = build(tmp_path)
    fakes["worker-2"].when(script, fails="it cannot be", times=1)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "rolled_back"}
    assert report.exit_code is Exit.FAILED
    assert "it cannot be" in report.nodes["worker-2"].reason
    assert fakes["worker-2"].untouched
    [call] = fakes["worker-2"].called("rollback")
    assert call.args == (report.run, "--revert")


@pytest.mark.parametrize("script", ["arm", "swap", "restart", "verify"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_whose_connection_breaks_is_rolled_back(tmp_path: Path, script: str, when: str) -> None:
    fakes = build(tmp_path)
    fakes["worker-2"].when(script, lost=when, times=1)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "rolled_back"}
    assert fakes["worker-2"].untouched


def test_a_confirmation_whose_answer_is_lost_was_a_confirmation(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-2"].when("confirm", lost="after", times=1)
    report = rollout(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(WORKERS, "migrated"))
    assert not fakes["worker-2"].untouched


def test_a_confirmation_needs_a_new_connection(tmp_path: Path) -> None:
    """A node whose network is gone by the new configuration still has the old connection."""
    fakes = build(tmp_path)
    fakes["worker-2"].when("reconnect", unreachable=True, times=1)
    assert outcomes(rollout(fakes)) == every(WORKERS, "migrated") | {"worker-2": "rolled_back"}


def test_a_timer_that_fires_before_the_confirmation_wins(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    node = fakes["worker-2"]
    node.when("confirm", begins=node.fire_timer)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "rolled_back"}
    assert node.untouched


def test_one_that_cannot_be_rolled_back_asks_for_a_person(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-2"].when("restart", fails="containerd does not start")
    fakes["worker-2"].when("rollback", fails="NOT restored: /etc/containerd/config.toml", code=5)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "failed"}
    assert report.exit_code is Exit.NOT_VERIFIED
    assert f"sh /var/lib/containerd-fleet/{report.run}/rollback" in report.nodes["worker-2"].reason


def test_one_that_was_rolled_back_is_checked_once_more_after_the_settle_time(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    node = fakes["worker-2"]
    node.when("restart", fails="containerd does not start")
    node.when("verify", "before", skip=1, begins=lambda: setattr(node, "cri", "error"))
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "failed"}
    assert report.exit_code is Exit.NOT_VERIFIED


def test_containers_that_lost_their_shims_make_somebody_look(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    node = fakes["worker-1"]
    node.when("verify", "after", answer=lambda call: node.do_verify(call) + emit({"gone": "k8s.io/web\tleft\n"}))
    report = rollout(fakes)
    assert report.nodes["worker-1"].outcome.value == "failed"
    assert report.exit_code is Exit.NOT_VERIFIED
    assert "k8s.io/web" in report.nodes["worker-1"].reason
    assert outcomes(report)["worker-2"] == "untouched"


def edited_by_somebody(node: ScriptedNode) -> None:
    node.write(CONFIG, node.files[CONFIG] + b"# mine\n")


def test_an_edit_meanwhile_does_not_keep_a_broken_node_broken(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    node = fakes["worker-2"]
    node.when("verify", "after", begins=lambda: edited_by_somebody(node), times=1)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "rolled_back"}
    assert node.untouched


def test_one_that_is_mute_is_given_up_and_the_others_have_their_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbooks.wave.longest", lambda *_: 3.0)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.05)
    fakes = build(tmp_path)
    fakes["worker-2"].when("restart", delay=10)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "failed"}
    assert report.exit_code is Exit.NOT_VERIFIED
