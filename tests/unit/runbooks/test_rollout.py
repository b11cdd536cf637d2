"""A rollout over scripted machines: the order of the waves, what stops it, what its journal has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet.errors import UsageError
from fleet.report import Exit, Report
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tests.fakes.fleet import WORKERS, FakeFleet, build, every, outcomes
from tests.fakes.node import CONFIG

MIXED = {"master-1": "1.7", "worker-1": "1.7", "master-2": "1.7", "worker-2": "2", "worker-3": "1.7", "worker-4": "2"}
TRANSACTION = ["stage", "prove", "arm", "swap hosts.toml", "swap config.toml", "restart", "verify", "verify", "confirm"]


def rollout(fakes: FakeFleet, **options: Any) -> Report:
    chosen = {"settle_seconds": 0.0} | options
    return Rollout(fakes.fleet, fakes.names, RolloutOptions(**chosen), fakes.screen).carry_out()


def armed_in_order(fakes: FakeFleet) -> list[str]:
    """The nodes in the order in which the journal has them armed."""
    return [it["node"] for it in fakes.journal("begin") if it["step"] == "arm"]


def test_all_nodes_migrate_canaries_first_and_the_control_plane_last(tmp_path: Path) -> None:
    fakes = build(tmp_path, MIXED)
    report = rollout(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(tuple(MIXED), "migrated"))
    order = armed_in_order(fakes)
    assert order[:2] == ["worker-1", "worker-2"]
    assert sorted(order[2:4]) == ["worker-3", "worker-4"]
    assert order[4:] == ["master-1", "master-2"]
    assert report.run == fakes.journals[-1].parent.name
    for node in fakes.nodes.values():
        assert node.state == "confirmed"
        assert "certs.d" in node.config
        assert '"*"' not in node.config


def test_the_journal_has_every_step_of_a_node_before_and_after_it(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    rollout(fakes)
    assert fakes.steps("worker-2") == TRANSACTION
    assert fakes.steps("worker-1") == [*TRANSACTION, "verify pulls"]
    assert len(fakes.journal("begin")) == len(fakes.journal("end"))
    assert all(it["ok"] for it in fakes.journal("end"))
    assert [it["node"] for it in fakes.journal("plan")] == list(WORKERS)
    assert {it["node"]: it["outcome"] for it in fakes.journal("node")} == every(WORKERS, "migrated")
    assert [it["event"] for it in fakes.journal()][:1] == ["run"]
    assert fakes.journal()[-1]["event"] == "finish"
    assert fakes.journal()[-1]["exit"] == 0


def test_a_step_is_in_the_journal_before_the_node_is_asked_for_it(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    begun: list[list[str]] = []
    fakes["worker-1"].when("swap", begins=lambda: begun.append(fakes.steps("worker-1")))
    rollout(fakes)
    assert begun == [TRANSACTION[:4], TRANSACTION[:5]]


def test_a_second_rollout_changes_nothing(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    rollout(fakes)
    for node in fakes.nodes.values():
        node.calls.clear()
    report = rollout(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.OK, every(WORKERS, "unchanged"))
    assert fakes.armed() == []
    assert report.run is None


def test_a_dry_run_reads_and_keeps_no_journal(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    report = rollout(fakes, dry_run=True)
    assert (report.exit_code, outcomes(report)) == (Exit.PENDING, every(WORKERS, "planned"))
    assert report.gate is not None
    assert all(set(node.scripts) <= {"facts", "prove"} for node in fakes.nodes.values())
    assert fakes.journals == []
    assert not fakes.hosts["vm-1"].called("caches_hold")


def test_no_more_nodes_than_workers_are_in_a_wave(tmp_path: Path) -> None:
    fakes = build(tmp_path, {f"worker-{number}": "1.7" for number in range(1, 6)})
    rollout(fakes, num_workers=2)
    waves = [line for line in fakes.screen.lines if line.startswith(("canary of", "wave "))]
    assert waves == [
        "canary of containerd-1.7: worker-1",
        "wave 1 of 2: worker-2, worker-3",
        "wave 2 of 2: worker-4, worker-5",
    ]


def test_a_node_of_strategy_skip_is_left(tmp_path: Path) -> None:
    fakes = build(tmp_path, strategies={"worker-2": "skip"})
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "skipped"}
    assert fakes["worker-2"].untouched


@pytest.mark.parametrize("failing", ["worker-1", "worker-2"])
def test_a_node_that_fails_is_rolled_back_and_no_later_wave_begins(tmp_path: Path, failing: str) -> None:
    names = [f"worker-{number}" for number in range(1, 5)]
    fakes = build(tmp_path, dict.fromkeys(names, "1.7"))
    fakes[failing].broken_by_change = True
    fakes[failing].when("prove", answer=fakes["worker-4"].do_prove)
    report = rollout(fakes, num_workers=1)
    later = names[names.index(failing) + 1 :]
    assert report.exit_code is Exit.FAILED
    assert outcomes(report) == {
        **every(names, "migrated"),
        failing: "rolled_back",
        **every(later, "untouched"),
    }
    assert fakes[failing].untouched
    assert fakes[failing].state == "rolled_back"
    assert all(fakes[name].untouched and not fakes[name].called("stage") for name in later)
    assert fakes.journal()[-1]["exit"] == 1
    assert not fakes.hosts["vm-1"].locks


def test_nodes_of_the_same_wave_come_to_their_own_end(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-2"].when("restart", fails="containerd does not start")
    report = rollout(fakes)
    assert outcomes(report) == {"worker-1": "migrated", "worker-2": "rolled_back", "worker-3": "migrated"}
    assert "containerd does not start" in report.nodes["worker-2"].reason


@pytest.mark.parametrize("lost", ["gone", "unreadable"])
def test_a_node_that_cannot_be_planned_stops_no_other(tmp_path: Path, lost: str) -> None:
    fakes = build(tmp_path)
    if lost == "gone":
        fakes["worker-2"].up = False
    else:
        fakes["worker-2"].when("facts", fails="sh: bad")
    report = rollout(fakes)
    word, code = ("unreachable", Exit.UNREACHABLE) if lost == "gone" else ("failed", Exit.FAILED)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": word}
    assert report.exit_code is code


@pytest.mark.parametrize("cri", ["error", "absent"])
def test_a_node_whose_cri_is_unhealthy_before_the_run_is_left(tmp_path: Path, cri: str) -> None:
    """A rollback could not tell whether it has put the node right."""
    fakes = build(tmp_path)
    fakes["worker-2"].cri = cri
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "migrated") | {"worker-2": "failed"}
    assert "CRI was not ok before this run" in report.nodes["worker-2"].reason
    assert fakes["worker-2"].untouched
    assert not fakes["worker-2"].called("stage")


def test_a_node_that_makes_no_sandbox_is_left_unless_the_operator_permits_it(tmp_path: Path) -> None:
    for permitted, word in ((False, "failed"), (True, "migrated")):
        fakes = build(tmp_path / str(permitted))
        fakes["worker-2"].when("prove", fails="systemd is too old for a sandbox")
        assert outcomes(rollout(fakes, without_proof=permitted)) == every(WORKERS, "migrated") | {"worker-2": word}


def test_a_file_that_somebody_changes_after_the_plan_is_theirs(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    node = fakes["worker-1"]
    node.when("stage", begins=lambda: node.write(CONFIG, node.files[CONFIG] + b"# mine\n"))
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "untouched") | {"worker-1": "failed"}
    assert node.config.endswith("# mine\n")
    assert report.exit_code is Exit.FAILED


def test_a_settle_time_that_no_revert_timer_allows_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"revert_after.*too short"):
        rollout(build(tmp_path), settle_seconds=60)


@pytest.mark.parametrize(("answer", "word"), [("3", "migrated"), ("2", "untouched"), ("", "untouched")])
def test_only_the_number_of_nodes_is_a_yes(tmp_path: Path, answer: str, word: str) -> None:
    fakes = build(tmp_path, answer=answer)
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, word)
    assert report.exit_code == (Exit.OK if word == "migrated" else Exit.INTERRUPTED)
    assert len(fakes.screen.questions) == 1


def test_yes_asks_nobody(tmp_path: Path) -> None:
    fakes = build(tmp_path, answer="no")
    assert outcomes(rollout(fakes, yes=True)) == every(WORKERS, "migrated")
    assert fakes.screen.questions == []


def test_what_becomes_of_a_journal_that_cannot_be_kept(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UsageError, match="no journal can be kept"):
        rollout(fakes)
    assert all(node.untouched for node in fakes.nodes.values())
