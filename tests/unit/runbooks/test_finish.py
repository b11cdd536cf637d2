"""What a cut-off run leaves, as status sees it, and as finish and rollback settle it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import pytest
from nornir.core.task import Result, Task

from fleet.errors import UsageError
from fleet.report import Exit, Report
from fleet.screen import Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks import status as asking
from runbooks.finish import Finish
from runbooks.options import FinishOptions, RollbackOptions, RolloutOptions
from runbooks.record import processors, recorded
from runbooks.rollback import rollback
from runbooks.rollout import Rollout
from runbooks.status import status
from tasks.arm import arm
from tasks.plan import plan
from tasks.prove import prove
from tasks.restart import restart
from tasks.run import Run
from tasks.stage import stage
from tasks.swap import swap
from tasks.verify import verify
from tests.fakes.fleet import WORKERS, FakeFleet, build, ctrl_c, every, outcomes
from tests.fakes.node import CONFIG

NODE = "worker-1"
TASKS: dict[str, Any] = {it.__name__: it for it in (stage, prove, arm, swap, restart, verify)}


STEPS = ("stage", "prove", "arm", "swap hosts", "swap config", "restart", "verify")


def cut_off(fakes: FakeFleet, last: str) -> str:
    """Leave the node as a controller does that dies once the step ``last`` has ended there; return the run."""
    run = Run.begin(fakes.fleet.transaction, Stop())

    def begin(task: Task) -> Result:
        node = fakes.fleet.nodes[task.host.name]
        planned = task.run(plan, filed=node.generation, policy=fakes.fleet.policy(node.name))[0].result
        for step in STEPS[: STEPS.index(last) + 1]:
            word, _, kind = step.partition(" ")
            more = ({} if word in ("arm", "restart") else {"plan": planned}) | ({"kind": kind} if kind else {})
            task.run(TASKS[word], run=run, **more)
        return Result(host=task.host)

    with recorded(run, fakes.fleet, fakes.screen) as journal:
        processor = processors(fakes.screen, journal)
        assert not nornir_for(fakes.fleet, [NODE], processor, Stop()).run(begin).failed
    fakes[NODE].calls.clear()
    return run.id


def finish(fakes: FakeFleet, **options: Any) -> Report:
    chosen = FinishOptions(**({"settle_seconds": 0.0} | options))
    return Finish(fakes.fleet, fakes.names, chosen, fakes.screen).carry_out()


def undo(fakes: FakeFleet, **options: Any) -> Report:
    return rollback(fakes.fleet, fakes.names, RollbackOptions(**options), fakes.screen)[0]


def migrate_all(fakes: FakeFleet) -> Report:
    report = Rollout(fakes.fleet, fakes.names, RolloutOptions(settle_seconds=0), fakes.screen).carry_out()
    assert outcomes(report) == every(fakes.names, "migrated")
    for node in fakes.nodes.values():
        node.calls.clear()
    return report


STATES = [
    ("stage", "staged", "staged"),
    ("arm", "armed", "armed"),
    ("swap hosts", "swapping", "applied"),
    ("swap config", "swapping", "applied"),
    ("restart", "restarting", "applied"),
    ("verify", "verifying", "applied"),
]


@pytest.mark.parametrize(("script", "step", "state"), STATES)
def test_status_has_where_a_run_was_cut_off(tmp_path: Path, script: str, step: str, state: str) -> None:
    fakes = build(tmp_path)
    run = cut_off(fakes, script)
    standing = status(fakes.fleet, fakes.names, fakes.screen)
    node = standing.nodes[NODE]
    assert (node.state.value, node.step, node.run, node.cri) == (state, step, run, "ok")
    assert (node.reverts_in is None) is (state == "staged")
    assert standing.nodes["worker-2"].state.value == "none"
    assert standing.exit_code is Exit.PENDING


@pytest.mark.parametrize("script", ["stage", "prove", "arm", "swap hosts", "swap config", "restart"])
def test_finish_takes_back_what_is_not_complete(tmp_path: Path, script: str) -> None:
    fakes = build(tmp_path)
    run = cut_off(fakes, script)
    report = finish(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(WORKERS, "unchanged") | {NODE: "rolled_back"})
    assert report.nodes[NODE].run == run
    assert fakes[NODE].untouched
    assert fakes[NODE].state in ("none", "rolled_back")
    assert not fakes[NODE].called("confirm")
    # What was only staged has no rollback that was ever armed.
    assert bool(fakes[NODE].called("rollback")) is (script not in ("stage", "prove"))
    assert fakes.journal("node") != []


def test_finish_confirms_what_is_complete_and_healthy(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "verify")
    report = finish(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(WORKERS, "unchanged") | {NODE: "migrated"})
    assert fakes[NODE].state == "confirmed"
    # Once now, and once when it has settled.
    assert [call.args[2] for call in fakes[NODE].called("verify")] == ["after", "after"]


@pytest.mark.parametrize("skip", [0, 1])
def test_finish_rolls_back_a_complete_node_that_is_not_healthy(tmp_path: Path, skip: int) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "verify")
    fakes[NODE].when("verify", "after", skip=skip, fails="CRI is error")
    report = finish(fakes)
    assert outcomes(report)[NODE] == "rolled_back"
    assert fakes[NODE].untouched


def test_finish_leaves_a_run_that_is_at_work(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    run = cut_off(fakes, "restart")
    with fakes.journals[-1].open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        report = finish(fakes, force=True)
    assert (report.exit_code, outcomes(report)[NODE]) == (Exit.FAILED, "failed")
    assert run in report.nodes[NODE].reason
    assert fakes[NODE].state == "restarting"


def test_finish_of_a_run_that_no_journal_here_has_needs_force(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "restart")
    fakes.journals[-1].unlink()
    report = finish(fakes)
    assert (report.exit_code, outcomes(report)[NODE]) == (Exit.FAILED, "failed")
    assert not fakes[NODE].untouched
    assert outcomes(finish(fakes, force=True))[NODE] == "rolled_back"
    assert fakes[NODE].untouched


def test_finish_without_agreement_touches_nothing(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "restart")
    fakes.screen.answer = "no"
    report = finish(fakes)
    assert (report.exit_code, outcomes(report)[NODE]) == (Exit.INTERRUPTED, "untouched")
    assert not fakes[NODE].untouched


def test_finish_has_an_outcome_for_each_node_that_cannot_be_asked(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "restart")
    fakes["worker-2"].up = False
    report = finish(fakes)
    assert outcomes(report) == {NODE: "rolled_back", "worker-2": "unreachable", "worker-3": "unchanged"}
    assert report.exit_code is Exit.UNREACHABLE


def test_finish_of_a_node_that_cannot_be_restored_needs_a_person(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "restart")
    fakes[NODE].when("rollback", fails="NOT restored: /etc/containerd/config.toml", code=5)
    assert finish(fakes).exit_code is Exit.NOT_VERIFIED


def test_status_of_nodes_that_do_not_answer_is_what_the_journal_has(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    run = cut_off(fakes, "restart")
    fakes[NODE].up = False
    standing = status(fakes.fleet, fakes.names, fakes.screen)
    assert standing.exit_code is Exit.UNREACHABLE
    assert run in standing.nodes[NODE].cri
    standing.show(Screen(quiet=True))
    assert '"state": "unknown"' in standing.as_json()


def test_rollback_undoes_the_newest_run_of_every_node(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    run = migrate_all(fakes).run
    report = undo(fakes)
    assert (report.exit_code, outcomes(report), report.run) == (Exit.OK, every(WORKERS, "rolled_back"), run)
    assert all(node.untouched for node in fakes.nodes.values())
    # Plain: a file that somebody changed since is not written over.
    assert all(node.called("rollback")[0].args == ("current",) for node in fakes.nodes.values())
    assert fakes.journal()[-1]["exit"] == 0


def test_a_second_rollback_changes_nothing(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    migrate_all(fakes)
    undo(fakes)
    report = undo(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(WORKERS, "unchanged"))


def test_a_node_without_a_run_has_nothing_to_roll_back(tmp_path: Path) -> None:
    report = undo(build(tmp_path))
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(WORKERS, "unchanged"))


def test_a_file_that_somebody_changed_since_is_kept_unless_forced(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    migrate_all(fakes)
    fakes[NODE].write(CONFIG, fakes[NODE].files[CONFIG] + b"# mine\n")
    report = undo(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.FAILED, every(WORKERS, "rolled_back") | {NODE: "failed"})
    assert "+# mine" in report.nodes[NODE].diff
    assert fakes[NODE].config.endswith("# mine\n")
    report = undo(fakes, force=True)
    assert outcomes(report)[NODE] == "rolled_back"
    assert fakes[NODE].called("rollback")[-1].args == ("current", "--force")
    assert fakes[NODE].untouched


def test_one_mute_node_keeps_no_other_from_being_rolled_back(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    migrate_all(fakes)
    fakes[NODE].when("rollback", hangs=True)
    fakes["worker-2"].up = False
    report = undo(fakes)
    assert outcomes(report) == {NODE: "failed", "worker-2": "unreachable", "worker-3": "rolled_back"}
    assert report.exit_code is Exit.NOT_VERIFIED


def test_a_rollback_that_leaves_cri_unhealthy_needs_a_person(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    migrate_all(fakes)
    fakes[NODE].cri = "error"
    report = undo(fakes)
    assert outcomes(report)[NODE] == "failed"
    assert report.exit_code is Exit.NOT_VERIFIED


def test_rollback_of_one_run_names_it(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    run = migrate_all(fakes).run
    undo(fakes, run_id=run)
    assert fakes[NODE].called("rollback")[0].args == (run,)
    with pytest.raises(UsageError, match="not the id of a run"):
        undo(fakes, run_id="../../etc")


def test_rollback_without_agreement_touches_nothing(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    migrate_all(fakes)
    fakes.screen.answer = "no"
    report = undo(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, every(WORKERS, "untouched"))
    assert not any(node.called("rollback") for node in fakes.nodes.values())


@pytest.mark.parametrize("command", [finish, undo])
def test_an_emergency_needs_no_journal(tmp_path: Path, command: Any) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "restart")
    fakes.fleet.runs.rename(tmp_path / "elsewhere")
    (tmp_path / "runs").write_text("a file")
    options = {"force": True} if command is finish else {}
    assert outcomes(command(fakes, **options))[NODE] == "rolled_back"
    assert any(line.startswith("warning: ") for line in fakes.screen.lines)


def test_ctrl_c_while_finish_asks_leaves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = build(tmp_path)
    cut_off(fakes, "restart")
    stop = Stop()
    monkeypatch.setattr(asking, "Stop", lambda _, **__: stop)
    fakes[NODE].when("status", begins=lambda: ctrl_c(stop))
    report = finish(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.INTERRUPTED, every(WORKERS, "untouched"))
    assert not fakes[NODE].untouched
