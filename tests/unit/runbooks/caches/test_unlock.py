"""Which maintenance locks go: those of dead runs, on every cache host that answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.inventory import Fleet, load
from fleet.journal import Journal
from fleet.remote import REMOTE
from fleet.report import Exit, NodeReport, Outcome
from fleet.screen import Screen
from runbooks.caches.unlock import Unlock
from runbooks.finish import Finish
from runbooks.options import FinishOptions, UnlockOptions
from runbooks.status import Standing
from tasks.status import State, Status
from tests.fakes.cache_host import ScriptedCacheHost

HOST = "registry-vm"
DEAD, ALIVE, ELSEWHERE = "20260214T031502Z-dead", "20260214T031503Z-a11e", "20260214T031504Z-e15e"


def cache_host(*locks: str, up: bool = True, refuses: str = "") -> ScriptedCacheHost:
    """A cache host with locks that have 700 s left; ``refuses`` is its complaint about a removal."""
    host = ScriptedCacheHost("192.0.2.1", up=up, locks=dict.fromkeys(locks, 700))
    if refuses:
        host.when("caches_release", fails=refuses)
    return host


@contextmanager
def fleet_with(tmp_path: Path, host: ScriptedCacheHost) -> Iterator[Fleet]:
    """The shipped inventory, one run that is dead and one that is at work; no other machine may be asked."""
    fleet = replace(load(Path(__file__).parents[4] / "inventory"), runs=tmp_path / "runs")
    for it in fleet.inventory.hosts.values():
        it.data[REMOTE] = host if it.name == HOST else cache_host(up=False)
    for run in (DEAD, ALIVE):
        journal = Journal(fleet.runs, run)
        journal.began(["rollout"], "op@host", {})
        if run == DEAD:
            journal.close()
    try:
        yield fleet
    finally:
        journal.close()


def unlock(
    tmp_path: Path, host: ScriptedCacheHost, options: UnlockOptions
) -> tuple[Exit, Mapping[str, tuple[str, str]]]:
    with fleet_with(tmp_path, host) as fleet:
        report = Unlock(fleet, options, Screen(quiet=True)).carry_out()
    told = json.loads(report.as_json())
    assert told["exit"] == report.exit_code
    assert (report.run is not None) == bool(host.called("caches_release"))
    locks = told["hosts"][HOST]["locks"]
    assert all((it["owner"], it["seconds"]) == ("op@host", 700) for it in locks.values())
    return report.exit_code, {run: (it["outcome"], it["reason"]) for run, it in locks.items()}


YES = UnlockOptions(yes=True)
FORCE = UnlockOptions(yes=True, force=True)
DRY = UnlockOptions(dry_run=True)


@pytest.mark.parametrize(
    ("locks", "options", "code", "outcomes", "left"),
    [
        ([], YES, 0, [], []),
        ([DEAD], YES, 0, ["removed"], []),
        ([DEAD], DRY, 5, ["planned"], [DEAD]),
        ([ALIVE], YES, 1, ["failed"], [ALIVE]),
        ([ALIVE], FORCE, 1, ["failed"], [ALIVE]),
        ([ALIVE], DRY, 1, ["failed"], [ALIVE]),
        ([ELSEWHERE], YES, 1, ["failed"], [ELSEWHERE]),
        ([ELSEWHERE], FORCE, 0, ["removed"], []),
        (["by-hand"], FORCE, 0, ["removed"], []),
        ([DEAD, ALIVE], YES, 1, ["removed", "failed"], [ALIVE]),
    ],
)
def test_locks(
    tmp_path: Path, locks: list[str], options: UnlockOptions, *, code: int, outcomes: list[str], left: list[str]
) -> None:
    host = cache_host(*locks)
    exit_code, told = unlock(tmp_path, host, options)
    assert (exit_code, [told[run][0] for run in locks], list(host.locks)) == (code, outcomes, left)


def test_a_refusal_says_who_is_at_work_and_what_to_do(tmp_path: Path) -> None:
    _, told = unlock(tmp_path, cache_host(ALIVE, ELSEWHERE), YES)
    assert told[ALIVE][1] == f"the run is at work as pid {os.getpid()}; wait for its end, or stop it with Ctrl-C"
    assert told[ELSEWHERE][1].endswith("may be at work elsewhere; add --force if it is not")


def test_a_removal_that_fails(tmp_path: Path) -> None:
    code, told = unlock(tmp_path, cache_host(DEAD, refuses="read-only file system"), YES)
    assert (code, told[DEAD]) == (1, ("failed", "caches_release: read-only file system"))


def test_a_no_on_the_terminal_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Screen, "can_ask", True)
    monkeypatch.setattr(Screen, "agreed", lambda *_: False)
    host = cache_host(DEAD)
    code, told = unlock(tmp_path, host, UnlockOptions())
    assert (code, told[DEAD], list(host.locks)) == (130, ("untouched", "not agreed to"), [DEAD])


def test_a_cache_host_that_does_not_answer(tmp_path: Path) -> None:
    with fleet_with(tmp_path, cache_host(DEAD, up=False)) as fleet:
        report = Unlock(fleet, YES, Screen(quiet=True)).carry_out()
    assert report.exit_code == 4
    assert json.loads(report.as_json())["hosts"][HOST]["outcome"] == "unreachable"


def finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: ScriptedCacheHost, status: Status, *, force: bool = False
) -> tuple[Outcome, Exit, str]:
    said: list[str] = []
    screen = Screen(quiet=True)
    monkeypatch.setattr(screen, "progress", said.append)
    monkeypatch.setattr("runbooks.finish.ask", lambda *_: Standing({"worker-2": status}))
    monkeypatch.setattr(Finish, "_act", lambda self, *_: self.reports.update({"worker-2": SETTLED}))
    with fleet_with(tmp_path, host) as fleet:
        report = Finish(fleet, ["worker-2"], FinishOptions(yes=True, force=force), screen).carry_out()
    return report.nodes["worker-2"].outcome, report.exit_code, "\n".join(said)


NONE = Status(State.NONE, "ok")
SETTLED = NodeReport(Outcome.ROLLED_BACK, "restored")


def left_by(run: str) -> Status:
    return Status(State.APPLIED, "ok", run=run, owner="op@host", since="2026", step="swapping")


@pytest.mark.parametrize(
    ("status", "force", "left"),
    [
        (NONE, False, [ALIVE, ELSEWHERE]),
        (left_by(DEAD), False, [ALIVE, ELSEWHERE]),
        (left_by(ELSEWHERE), False, [ALIVE, ELSEWHERE]),
        (left_by(ELSEWHERE), True, [ALIVE]),
        (left_by(ALIVE), True, [ALIVE, ELSEWHERE]),
    ],
)
def test_finish_releases_the_locks_of_the_runs_that_it_settles_and_of_dead_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Status, force: bool, left: list[str]
) -> None:
    host = cache_host(DEAD, ALIVE, ELSEWHERE)
    *_, said = finish(tmp_path, monkeypatch, host, status, force=force)
    assert list(host.locks) == left
    assert f"{HOST}: the maintenance lock of run {DEAD} is removed" in said
    assert f"run {ALIVE} is removed" not in said


@pytest.mark.parametrize("host", [cache_host(DEAD, up=False), cache_host(DEAD, refuses="read-only")])
def test_for_finish_a_lock_that_stays_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: ScriptedCacheHost
) -> None:
    outcome, code, said = finish(tmp_path, monkeypatch, host, left_by(DEAD))
    assert (outcome, code) == (Outcome.ROLLED_BACK, 0)
    assert f"warning: {HOST}: " in said
    assert "remove a maintenance lock that a dead run left there with python main.py caches unlock" in said
