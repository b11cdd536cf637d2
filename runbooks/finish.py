"""Settle what interrupted runs have left: confirm a node that is complete and well, take back any other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from fleet.inventory import Fleet
from fleet.report import Exit, NodeReport, Outcome, Report
from fleet.runner import NODE_SECONDS
from fleet.runs import is_dead
from fleet.screen import Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from runbooks.caches.report import Fate
from runbooks.caches.unlock import Unlock
from runbooks.options import FinishOptions, UnlockOptions
from runbooks.outcomes import completed, failure, restored
from runbooks.record import processors, recorded_if_possible
from runbooks.status import Standing
from runbooks.status import status as ask
from tasks.finish import is_complete, keep, take_back
from tasks.rollback import Restoration
from tasks.run import Run
from tasks.status import Status
from tasks.verify import check

LATER = "remove a maintenance lock that a dead run left there with python main.py caches unlock"


@dataclass
class Finish:
    """The settling of the transactions on the nodes ``names`` of ``fleet``."""

    fleet: Fleet
    names: Sequence[str]
    options: FinishOptions
    screen: Screen
    reports: dict[str, NodeReport] = field(default_factory=dict)
    stop: Stop = field(init=False)

    def __post_init__(self) -> None:
        self.stop = Stop(self.screen.progress)

    def carry_out(self) -> Report:
        """Ask every node how it stands, and settle what is not settled. Returns what became of every node."""
        standing = ask(self.fleet, self.names, self.screen)
        if standing.interrupted:
            return self._nothing(self.names, "interrupted before anything was settled")
        left = self._sorted_out(standing)
        if left:
            with self.screen.beforehand():
                Standing(left).table(self.screen, "To settle")
            question = f"Settle these {len(left)} nodes? Type {len(left)} to go on:"
            if not self.options.yes and not self.screen.agreed(question, str(len(left))):
                return self._nothing(left, "not agreed to")
            self._settle(left)
        if not self.stop.asked:
            self._release_locks({node.run for node in left.values()})
        return Report(None, {name: self.reports[name] for name in self.names}, self.stop.asked, "Finish")

    def _nothing(self, names: Iterable[str], why: str) -> Report:
        untouched = {name: NodeReport(Outcome.UNTOUCHED, why) for name in names}
        return Report(None, self.reports | untouched, interrupted=True, title="Finish")

    def _sorted_out(self, standing: Standing) -> dict[str, Status]:
        """Report the nodes on which nothing is to be done, or nothing may be, and return the others."""
        left = {}
        for name, node in standing.nodes.items():
            if name in standing.unreachable:
                self.reports[name] = NodeReport(Outcome.UNREACHABLE, node.cri, Exit.UNREACHABLE)
            elif node.state.ended:
                said = "no run was here" if not node.run else f"run {node.run} is {node.state.value}"
                self.reports[name] = NodeReport(Outcome.UNCHANGED, f"nothing to settle: {said}", version=node.version)
            elif why := self._at_work(node):
                self.reports[name] = NodeReport(Outcome.FAILED, why, Exit.FAILED, version=node.version)
            else:
                left[name] = node
        return left

    def _at_work(self, node: Status) -> str:
        """Say why the run of an unsettled transaction must be left alone, or nothing."""
        dead = is_dead(self.fleet.runs, node.run, self.fleet.name)
        said = f"run {node.run} of {node.owner}, since {node.since}"
        if dead is False:
            return f"{said}, is at work; wait for its end, or stop it with Ctrl-C"
        if dead is None and not self.options.force:
            return f"{said}, is not in the journals here and may be at work elsewhere; add --force if it is not"
        return ""

    def _settle(self, left: Mapping[str, Status]) -> None:
        mine = Run.begin(self.fleet.transaction, self.stop)
        with recorded_if_possible(mine, self.fleet, self.screen) as journal:
            told, stop = processors(self.screen, journal), self.stop.to_the_end()
            with (
                nornir_for(self.fleet, list(left), told, stop, node_seconds=NODE_SECONDS) as nornir,
                self.stop.listening(),
            ):
                runs = {name: replace(mine, id=node.run) for name, node in left.items()}
                self._act(nornir, left, runs)
            if journal is not None:
                journal.closing(Report(None, self.reports))

    def _release_locks(self, settled: Collection[str]) -> None:
        """Remove the maintenance locks of the runs ``settled``, and of others that are dead; failures are warnings."""
        report = Unlock(self.fleet, UnlockOptions(yes=True), self.screen, settled).carry_out()
        for host, why in report.trouble.items():
            self.screen.progress(f"warning: {host}: {why.reason}; {LATER}")
        for host, locks in report.hosts.items():
            for it in locks:
                if it.fate is Fate.REMOVED:
                    self.screen.progress(f"{host}: the maintenance lock of run {it.lock.run} is removed")
                elif it.lock.run in settled:
                    self.screen.progress(f"warning: {host}: {it.reason}; {LATER}")

    def _act(self, nornir: Nornir, left: Mapping[str, Status], runs: Mapping[str, Run]) -> None:
        """Confirm what is complete and well, now and after it has settled; take back the rest."""
        complete = [name for name, node in left.items() if is_complete(node)]
        well = _good(_run(nornir, complete, lambda task: check(task, runs[task.host.name].id, "after"), "check"))
        if well:
            self.screen.progress(f"settling for {self.options.settle_seconds:g} s")
            self.stop.wait(self.options.settle_seconds)
            kept = _run(nornir, well, lambda task: keep(task, run=runs[task.host.name]), "keep")
            well = _good(kept)
            self.reports |= {name: completed(left[name], kept[name][0].result) for name in well}
        rest = [name for name in left if name not in well]
        back = _run(nornir, rest, lambda task: take_back(task, runs[task.host.name], left[task.host.name]), "take back")
        for name, result in back.items():
            self.reports[name] = self._taken_back(name, left[name], result)
        for name in left.keys() - self.reports.keys():
            self.reports[name] = NodeReport(
                Outcome.FAILED, "interrupted before it was settled", Exit.NOT_VERIFIED, run=left[name].run
            )

    def _taken_back(self, name: str, status: Status, result: MultiResult) -> NodeReport:
        if result.failed:
            report = replace(failure(result), weight=Exit.NOT_VERIFIED)
        elif result[0].result is None:
            report = NodeReport(Outcome.ROLLED_BACK, "it was staged only: removed, and nothing live had changed")
        else:
            report = restored(self.fleet.nodes[name], result[0].result)
            if result[0].result.restoration is Restoration.RESTORED:  # also where nothing had changed yet
                report = replace(report, outcome=Outcome.ROLLED_BACK)
        return replace(report, run=status.run, version=status.version)


def _run(nornir: Nornir, names: Sequence[str], task: Callable[[Task], Result], name: str) -> AggregatedResult:
    return only(nornir, names).run(task, name=name, on_failed=True) if names else AggregatedResult(name)


def _good(results: AggregatedResult) -> list[str]:
    return [name for name, result in results.items() if not result.failed]
