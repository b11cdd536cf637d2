"""Which maintenance locks go: those of dead runs, on every cache host that answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fleet.errors import Unreachable
from fleet.inventory import Fleet, load
from fleet.journal import Journal
from fleet.remote import Completed, ShellScript, never
from fleet.report import Exit, NodeReport, Outcome
from fleet.screen import Screen
from runbooks.caches.unlock import Unlock
from runbooks.finish import Finish
from runbooks.options import FinishOptions, UnlockOptions
from runbooks.status import Standing
from tasks.status import State, Status
from tasks.wire import encode

HOST = "registry-vm"
NOW = 1_790_000_000
DEAD, ALIVE, ELSEWHERE = "20260214T031502Z-dead", "20260214T031503Z-a11e", "20260214T031504Z-e15e"


@dataclass
class CacheHost:
    """A cache host that has locks, or that does not answer; ``refuses`` is what it says to a removal."""

    locks: list[str]
    unreachable: bool = False
    refuses: str = ""
    asked: list[str] = field(default_factory=list)
    door: tuple[str, int] | None = None

    def connect(self) -> None:
        if self.unreachable:
            raise Unreachable("no SSH connection")

    reconnect = connect

    def run(
        self,
        script: ShellScript,
        *args: str,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> Completed:
        assert not stdin
        assert timeout < 60
        assert not cancelled()
        self.connect()
        self.asked.append(" ".join((script.name, *args)))
        if script.name == "caches_locks":
            files = {f"lock:{run}": f"{NOW + 700} run {run} of op@host".encode() for run in self.locks}
            return Completed(0, encode({"now": str(NOW).encode(), **files}), b"")
        assert script.name == "caches_release"
        if self.refuses:
            return Completed(1, b"", self.refuses.encode())
        self.locks = [run for run in self.locks if run not in args]
        return Completed(0, b"", b"")

    def http_status(self, url: str, timeout: float = 5.0) -> int | None:
        raise AssertionError(url, timeout)


@contextmanager
def fleet_with(tmp_path: Path, host: CacheHost) -> Iterator[Fleet]:
    """The shipped inventory, one run that is dead and one that is at work; no other machine may be asked."""
    fleet = replace(load(Path(__file__).parents[4] / "inventory"), runs=tmp_path / "runs")
    for it in fleet.inventory.hosts.values():
        it.data["remote"] = host if it.name == HOST else CacheHost([], unreachable=True)
    for run in (DEAD, ALIVE):
        journal = Journal(fleet.runs, run)
        journal.began(["rollout"], "op@host", {})
        if run == DEAD:
            journal.close()
    try:
        yield fleet
    finally:
        journal.close()


def unlock(tmp_path: Path, host: CacheHost, options: UnlockOptions) -> tuple[Exit, Mapping[str, tuple[str, str]]]:
    with fleet_with(tmp_path, host) as fleet:
        report = Unlock(fleet, options, Screen(quiet=True)).carry_out()
    told = json.loads(report.as_json())
    assert told["exit"] == report.exit_code
    assert (report.run is not None) == any("release" in line for line in host.asked)
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
    host = CacheHost(list(locks))
    exit_code, told = unlock(tmp_path, host, options)
    assert (exit_code, [told[run][0] for run in locks], host.locks) == (code, outcomes, left)


def test_a_refusal_says_who_is_at_work_and_what_to_do(tmp_path: Path) -> None:
    _, told = unlock(tmp_path, CacheHost([ALIVE, ELSEWHERE]), YES)
    assert told[ALIVE][1] == f"the run is at work as pid {os.getpid()}; wait for its end, or stop it with Ctrl-C"
    assert told[ELSEWHERE][1].endswith("may be at work elsewhere; add --force if it is not")


def test_a_removal_that_fails(tmp_path: Path) -> None:
    code, told = unlock(tmp_path, CacheHost([DEAD], refuses="read-only file system"), YES)
    assert (code, told[DEAD]) == (1, ("failed", "caches_release: read-only file system"))


def test_a_no_on_the_terminal_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Screen, "can_ask", True)
    monkeypatch.setattr(Screen, "agreed", lambda *_: False)
    host = CacheHost([DEAD])
    code, told = unlock(tmp_path, host, UnlockOptions())
    assert (code, told[DEAD], host.locks) == (130, ("untouched", "not agreed to"), [DEAD])


def test_a_cache_host_that_does_not_answer(tmp_path: Path) -> None:
    with fleet_with(tmp_path, CacheHost([DEAD], unreachable=True)) as fleet:
        report = Unlock(fleet, YES, Screen(quiet=True)).carry_out()
    assert report.exit_code == 4
    assert json.loads(report.as_json())["hosts"][HOST]["outcome"] == "unreachable"


def finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: CacheHost, status: Status, *, force: bool = False
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
    host = CacheHost([DEAD, ALIVE, ELSEWHERE])
    *_, said = finish(tmp_path, monkeypatch, host, status, force=force)
    assert host.locks == left
    assert f"{HOST}: the maintenance lock of run {DEAD} is removed" in said
    assert f"run {ALIVE} is removed" not in said


@pytest.mark.parametrize("host", [CacheHost([DEAD], unreachable=True), CacheHost([DEAD], refuses="read-only")])
def test_for_finish_a_lock_that_stays_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: CacheHost
) -> None:
    outcome, code, said = finish(tmp_path, monkeypatch, host, left_by(DEAD))
    assert (outcome, code) == (Outcome.ROLLED_BACK, 0)
    assert f"warning: {HOST}: " in said
    assert "remove a maintenance lock that a dead run left there with python main.py caches unlock" in said
