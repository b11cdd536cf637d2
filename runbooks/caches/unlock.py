"""Remove the maintenance locks that dead runs left on the cache hosts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from nornir.core import Nornir
from nornir.core.task import Result, Task

from caches.locks import Lock
from fleet.inventory import Fleet
from fleet.report import Exit, NodeReport, Outcome, heaviest
from fleet.runs import is_dead, pid_of
from fleet.screen import Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from runbooks.caches.report import Fate
from runbooks.options import UnlockOptions
from runbooks.outcomes import failure
from runbooks.record import processors, recorded_if_possible
from tasks.caches.hold import locks, release
from tasks.reach import reach
from tasks.run import Run

TITLE = "Maintenance locks"


@dataclass(frozen=True)
class LockReport:
    """What became of one lock; ``weight`` is the exit code that it asks for."""

    lock: Lock
    fate: Fate
    reason: str
    weight: Exit = Exit.OK

    def as_dict(self) -> dict[str, object]:
        """Return it for ``--json``."""
        told = {"owner": self.lock.owner, "seconds": self.lock.seconds}
        return told | {"outcome": self.fate.value, "reason": self.reason}


@dataclass(frozen=True)
class LocksReport:
    """What became of the locks of every cache host that could be asked, and in ``trouble`` why others could not.

    ``run`` is ``None`` where nothing was to be changed.
    """

    run: str | None
    hosts: Mapping[str, tuple[LockReport, ...]]
    trouble: Mapping[str, NodeReport]
    interrupted: bool = False

    @property
    def exit_code(self) -> Exit:
        """The heaviest of everything's weights."""
        weights = {it.weight for reports in self.hosts.values() for it in reports}
        weights |= {report.weight for report in self.trouble.values()}
        return heaviest(weights, interrupted=self.interrupted)

    def as_json(self) -> str:
        """Return it as one JSON document."""
        hosts: dict[str, object] = {
            host: {"locks": {it.lock.run: it.as_dict() for it in reports}} for host, reports in self.hosts.items()
        }
        hosts |= {host: {"locks": {}} | report.as_dict() for host, report in self.trouble.items()}
        return json.dumps({"run": self.run, "exit": int(self.exit_code), "hosts": hosts}, indent=2)

    def show(self, screen: Screen) -> None:
        """Print it for people, with the exit code as the last line."""
        self.table(screen)
        screen.say("")
        screen.say(f"{self._sums()} (exit code {int(self.exit_code)})")

    def table(self, screen: Screen) -> None:
        """Print it as a table."""
        rows = [
            (host, it.lock.run, it.lock.owner, f"{it.lock.seconds} s", it.fate.value, it.reason)
            for host, reports in self.hosts.items()
            for it in reports
        ]
        rows += [(host, "", "", "", it.outcome.value, it.reason) for host, it in self.trouble.items()]
        screen.rows(TITLE, ("host", "run", "owner", "remaining", "outcome", "reason"), rows)

    def _sums(self) -> str:
        fates = [it.fate for reports in self.hosts.values() for it in reports]
        return ", ".join(f"{fates.count(fate)} {fate.value}" for fate in Fate if fate in fates) or "no lock"


@dataclass
class Unlock:
    """One removal of maintenance locks on the cache hosts of ``fleet``; the runs ``settled`` have ended for sure."""

    fleet: Fleet
    options: UnlockOptions
    screen: Screen
    settled: Collection[str] = ()
    reports: dict[str, tuple[LockReport, ...]] = field(default_factory=dict)
    trouble: dict[str, NodeReport] = field(default_factory=dict)
    stop: Stop = field(init=False)

    def __post_init__(self) -> None:
        self.stop = Stop(self.screen.progress)

    def carry_out(self) -> LocksReport:
        """List the locks, ask, and remove those of dead runs. Returns what became of each lock."""
        with nornir_for(self.fleet, self.fleet.cache_hosts, [], self.stop) as nornir:
            with self.stop.listening():
                self._read(nornir)
            removable = sum(it.fate is Fate.PLANNED for reports in self.reports.values() for it in reports)
            if self.options.dry_run or not removable:
                return self._report(None)
            if not self._agreed(removable):
                return self._report(None)
            return self._remove(nornir)

    def _report(self, run: str | None) -> LocksReport:
        hosts = {name: self.reports[name] for name in self.fleet.cache_hosts if name in self.reports}
        return LocksReport(run, hosts, self.trouble, self.stop.asked)

    def _read(self, nornir: Nornir) -> None:
        def read_one(task: Task) -> Result:
            task.run(reach)
            return Result(host=task.host, result=task.run(locks)[0].result)

        results = nornir.run(read_one, name="read the locks")
        for name in self.fleet.cache_hosts:
            if name not in results:
                self.trouble[name] = NodeReport(Outcome.UNTOUCHED, "the run was interrupted before this host was read")
            elif results[name].failed:
                self.trouble[name] = failure(results[name])
            else:
                self.reports[name] = tuple(self._decided(lock) for lock in results[name][0].result)

    def _decided(self, lock: Lock) -> LockReport:
        """Report what is to become of a lock: it goes where its run is known to have ended."""
        dead = True if lock.run in self.settled else is_dead(self.fleet.runs, lock.run, self.fleet.name)
        if dead is False:
            pid = pid_of(self.fleet.runs, lock.run)
            who = "" if pid is None else f" as pid {pid}"
            return LockReport(
                lock, Fate.FAILED, f"the run is at work{who}; wait for its end, or stop it with Ctrl-C", Exit.FAILED
            )
        if dead is None and not self.options.force:
            why = "the run is not in the journals here and may be at work elsewhere; add --force if it is not"
            return LockReport(lock, Fate.FAILED, why, Exit.FAILED)
        why = "the run is dead" if dead else "the run is not in the journals here (--force)"
        return LockReport(lock, Fate.PLANNED, why, Exit.PENDING)

    def _agreed(self, number: int) -> bool:
        if self.stop.asked:
            self._settle_all("interrupted")
            return False
        if self.options.yes:
            return True
        if self.screen.can_ask:
            self._report(None).table(self.screen)
        if self.screen.agreed(f"Remove {number} maintenance locks? Type {number} to go on:", str(number)):
            return True
        self.stop.ask()
        self._settle_all("not agreed to")
        return False

    def _settle_all(self, why: str) -> None:
        for name in self.reports:
            self._settle(name, Fate.UNTOUCHED, why, Exit.OK)

    def _settle(self, name: str, fate: Fate, why: str, weight: Exit) -> None:
        """Report so each lock of a host that was to be removed."""
        self.reports[name] = tuple(
            replace(it, fate=fate, reason=why or it.reason, weight=weight) if it.fate is Fate.PLANNED else it
            for it in self.reports[name]
        )

    def _remove(self, nornir: Nornir) -> LocksReport:
        def remove_one(task: Task) -> Result:
            task.run(release, runs=chosen[task.host.name])
            return Result(host=task.host)

        planned = {
            name: [it.lock.run for it in reports if it.fate is Fate.PLANNED] for name, reports in self.reports.items()
        }
        chosen = {name: runs for name, runs in planned.items() if runs}
        mine = Run.begin(self.fleet.transaction, self.stop)
        with recorded_if_possible(mine, self.fleet, self.screen) as journal, self.stop.listening():
            hosts = only(nornir.with_processors(processors(self.screen, journal)), chosen)
            results = hosts.run(remove_one, name="unlock")
            for name in chosen:
                if name not in results:
                    self._settle(name, Fate.UNTOUCHED, "interrupted", Exit.OK)
                elif results[name].failed:
                    why = failure(results[name])
                    self._settle(name, Fate.FAILED, why.reason, why.weight)
                else:
                    self._settle(name, Fate.REMOVED, "", Exit.OK)
            report = self._report(mine.id)
            if journal is not None:
                journal.finished(report.exit_code)
        return report
