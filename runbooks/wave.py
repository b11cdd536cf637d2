"""One wave of nodes: all are prepared before the first is armed; from then on each is on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from containerd.decide import NodePlan
from fleet.errors import NotRecorded
from fleet.inventory import Fleet
from fleet.journal import Journal
from fleet.report import NodeReport, Outcome
from fleet.results import cause
from fleet.runner import FleetRunner
from fleet.screen import Screen
from fleet.session import only
from fleet.stop import Stop
from runbooks.options import RolloutOptions
from runbooks.outcomes import given_up, migrated, not_changed, relapsed, undone
from tasks.abandon import abandon
from tasks.migrate import Undone, longest, migrate, prepare
from tasks.run import Run
from tasks.verify import check


@dataclass
class Wave:
    """The transactions of the nodes of one wave; ``reports`` has a word for each that ended one way or another.

    A node without one is untouched: the wave was stopped before the first of its nodes was armed, or the journal could
    not be written when its own turn to be armed came.
    """

    fleet: Fleet
    nornir: Nornir
    plans: Mapping[str, NodePlan]
    run: Run
    options: RolloutOptions
    screen: Screen
    journal: Journal
    reports: dict[str, NodeReport] = field(default_factory=dict)
    results: list[AggregatedResult] = field(default_factory=list)

    def carry_out(self, names: Sequence[str]) -> None:
        """Change the nodes ``names``. Once one is armed, all are brought to their end, also when a stop is asked."""
        prepare_all = self._of_plan(partial(prepare, without_proof=self.options.without_proof))
        prepared = self._unless_failed(self._run(names, prepare_all, "prepare", self.run.stop))
        if len(prepared) < len(names) or self.run.stop.asked or self.journal.broken:
            self._unless_failed(self._run(prepared, self._abandon, "abandon"))
            return
        seconds = self.options.settle_seconds
        if any(self.plans[name].restart for name in prepared):
            self.screen.progress(f"each settles for {seconds:g} s before it is confirmed")
        migrated = self._run(prepared, self._of_plan(partial(migrate, settle_seconds=seconds)), "migrate")
        unarmed = [name for name, result in migrated.items() if isinstance(cause(result), NotRecorded)]
        if unarmed:
            self._unless_failed(self._run(unarmed, self._abandon, "abandon"))
        self._report({name: result for name, result in migrated.items() if name not in unarmed})
        rolled_back = [name for name, report in self.reports.items() if report.outcome is Outcome.ROLLED_BACK]
        if rolled_back:
            self.run.stop.wait(seconds)
        for name, result in self._run(rolled_back, self._check, "check").items():
            if result.failed:
                self.reports[name] = relapsed(self.reports[name], result)

    def _unless_failed(self, results: AggregatedResult) -> list[str]:
        """Report the nodes on which a step failed that changes nothing, and return the others."""
        failed = {name: result for name, result in results.items() if result.failed}
        self.reports |= {name: not_changed(self.fleet.nodes[name], result) for name, result in failed.items()}
        return [name for name in results if name not in failed]

    def _report(self, results: Mapping[str, MultiResult]) -> None:
        for name, result in results.items():
            node, plan, found = self.fleet.nodes[name], self.plans[name], result[0].result
            if isinstance(found, Undone):
                self.reports[name] = undone(node, plan, found, self.run.id)
            # The task's own word: of a confirmed node a step may have failed, such as the answer to its confirmation.
            elif result[0].failed:
                self.reports[name] = given_up(node, plan, result, self.run.id)
            else:
                self.reports[name] = migrated(node, plan, found, self.run.id)

    def _of_plan(self, step: Callable[..., Result]) -> Callable[[Task], Result]:
        return lambda task: step(task, plan=self.plans[task.host.name], run=self.run)

    def _abandon(self, task: Task) -> Result:
        return abandon(task, self.run)

    def _check(self, task: Task) -> Result:
        return check(task, self.run.id, "before", self.run.limits.verify_within)

    def _run(
        self, names: Sequence[str], step: Callable[[Task], Result], name: str, stop: Stop | None = None
    ) -> AggregatedResult:
        """Do ``step`` on ``names``; only with a ``stop`` may it be that some of them never start."""
        runner = FleetRunner(
            self.options.num_workers,
            stop or self.run.stop.to_the_end(),
            stop_on_failure=stop is not None,
            node_seconds=longest(self.run.limits, self.options.settle_seconds),
        )
        # Nornir leaves nodes out that failed before; those that were rolled back are asked again.
        results = only(self.nornir, names).with_runner(runner).run(step, name=name, on_failed=True)
        self.results.append(results)
        return results
