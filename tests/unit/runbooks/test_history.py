"""What `history` makes of journals and of the nodes' records, and which of two controllers knows what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nornir.core.task import Result, Task

from fleet.journal import Journal
from fleet.report import Exit
from fleet.runs import Recorded
from runbooks import history as subject
from runbooks.history import ELSEWHERE, merged
from tasks.status import Entry, State
from tests.fakes.fleet import build

OLD, NEW = "20260101T000000Z-0001", "20260102T000000Z-0002"
AT = "2026-01-01T00:00:00.000Z"


def entry(run: str, state: State) -> Entry:
    return Entry(run, state, "ann@one", AT)


def test_the_nodes_own_record_wins_over_the_journal() -> None:
    journal = Recorded(OLD, "ann@one", AT, "rollout --all", "finished", {"a": "migrated", "b": "unchanged"})
    [run] = merged([journal], {"a": [entry(OLD, State.ROLLED_BACK)], "b": []}, ["a", "b"])
    assert run.nodes == {"a": "rolled back", "b": "unchanged"}
    assert (run.journal, run.command, run.counts) == ("finished", "rollout --all", "1 rolled back, 1 unchanged")


def test_a_run_without_a_journal_here_is_as_the_nodes_record_it() -> None:
    records = {"a": [entry(OLD, State.CONFIRMED), entry(NEW, State.ARMED)], "b": [entry(NEW, State.CONFIRMED)]}
    runs = merged([], records, ["a", "b"])
    assert [(run.run, run.owner, run.journal, run.counts) for run in runs] == [
        (OLD, "ann@one", ELSEWHERE, "1 confirmed"),
        (NEW, "ann@one", ELSEWHERE, "1 armed, 1 confirmed"),
    ]


def test_only_runs_of_the_selected_nodes_and_of_the_caches_are_listed() -> None:
    journals = [
        Recorded(OLD, "ann@one", AT, "rollout --all", "finished", {"c": "migrated"}),
        Recorded(NEW, "ann@one", AT, "caches deploy", "interrupted", {}),
    ]
    assert [run.run for run in merged(journals, {}, ["a"])] == [NEW]


def test_two_controllers_list_the_same_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = build(tmp_path)

    def transactions(task: Task) -> Result:
        if task.host.name == "worker-3":
            raise RuntimeError("no answer")
        return Result(host=task.host, result=(entry(OLD, State.CONFIRMED),))

    monkeypatch.setattr(subject, "transactions", transactions)
    with Journal(fakes.fleet.runs, OLD) as journal:
        journal.began(["rollout", "--all"], "ann@one", {}, fakes.fleet.name)
        journal.finished(0)
    first = subject.history(fakes.fleet, fakes.names, fakes.screen)
    second = subject.history(replace(fakes.fleet, runs=tmp_path / "other"), fakes.names, fakes.screen)
    stranger = subject.history(replace(fakes.fleet, name="another"), ["worker-3"], fakes.screen)
    assert [run.journal for run in first.runs] == ["finished"]
    assert [run.journal for run in second.runs] == [ELSEWHERE]
    for found in (first, second):
        assert [(run.run, run.owner, run.nodes) for run in found.runs] == [
            (OLD, "ann@one", {"worker-1": "confirmed", "worker-2": "confirmed"})
        ]
        assert set(found.silent) == {"worker-3"}
        assert found.exit_code is Exit.NOT_VERIFIED
    assert not stranger.runs
