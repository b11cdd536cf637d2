"""Take nodes off the wildcard mirror: plan all, one canary per generation, then the rest. Stop at a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, Result, Task

from containerd.plan import Consent, NodePlan
from fleet.inventory import Fleet
from fleet.report import Exit, NodeReport, Outcome, Report
from fleet.runner import FleetRunner
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from fleet.waves import Wave, waves
from runbooks.options import RolloutOptions
from runbooks.outcomes import migrated, never_read, not_changed, planned, undone, untouched
from tasks.abandon import abandon
from tasks.migrate import Undone, migrate, prepare, settle
from tasks.plan import plan
from tasks.run import Run


@dataclass
class Rollout:
    """One rollout over the nodes ``names`` of ``fleet``."""

    fleet: Fleet
    names: Sequence[str]
    options: RolloutOptions
    screen: Screen
    plans: dict[str, NodePlan] = field(default_factory=dict)
    reports: dict[str, NodeReport] = field(default_factory=dict)
    results: list[AggregatedResult] = field(default_factory=list)
    stop: Stop = field(init=False)
    run: Run = field(init=False)

    def __post_init__(self) -> None:
        self.stop = Stop(self.screen.progress)
        self.run = Run.begin(self.fleet.transaction, self.stop)

    def carry_out(self) -> Report:
        """Plan every node, ask, and change those that are to change. Returns what became of every node."""
        processor = ProgressProcessor(self.screen)
        with nornir_for(self.fleet, self.names, processor, self.stop, dry_run=self.options.dry_run) as nornir:
            with self.stop.listening():
                self._plan(nornir)
            changing = [name for name in self.names if name in self.plans and self.plans[name].acts]
            if changing and not self.options.dry_run:
                if not self.options.yes and not self.stop.asked:
                    self._ask(changing)
                with self.stop.listening():
                    self._change(nornir, changing)
        reports = {name: self.reports.get(name) or never_read(self.fleet.nodes[name]) for name in self.names}
        run = self.run.id if any(report.run for report in reports.values()) else None
        return Report(run, reports, self.stop.asked, "Rollout")

    def _plan(self, nornir: Nornir) -> None:
        consent = Consent(self.options.accept_loss, self.options.allow_version_change)

        def plan_one(task: Task) -> Result:
            node = self.fleet.nodes[task.host.name]
            return plan(task, filed=node.generation, policy=self.fleet.policy(node.name), consent=consent)

        self.screen.progress(f"planning {len(self.names)} nodes")
        for name, result in self._run(nornir, plan_one, "plan").items():
            node = self.fleet.nodes[name]
            if result.failed:
                self.reports[name] = not_changed(node, result)
            else:
                self.plans[name] = result[0].result
                self.reports[name] = planned(node, self.plans[name])

    def _ask(self, changing: Sequence[str]) -> None:
        """Show the plan and ask, where there is somebody to ask; a no is a wish to stop."""
        self.screen.table("The plan", {name: self.reports[name] for name in self.names})
        if not self.screen.agreed(f"Change {len(changing)} nodes? Type {len(changing)} to go on:", str(len(changing))):
            self.stop.ask()

    def _change(self, nornir: Nornir, changing: Sequence[str]) -> None:
        why = "interrupted, or not agreed to"
        for wave in waves((self.fleet.nodes[name] for name in changing), self.options.num_workers):
            if self.stop.asked:
                break
            self.screen.progress(f"{wave.label}: {', '.join(wave.nodes)}")
            self._wave(nornir, wave)
            failed = [name for name in wave.nodes if self.reports[name].weight not in (Exit.OK, Exit.PENDING)]
            if failed:
                why = f"the run stopped after {failed[0]}"
                break
        for name in changing:
            if self.reports[name].outcome is Outcome.PLANNED:
                self.reports[name] = untouched(self.reports[name], why)

    def _wave(self, nornir: Nornir, wave: Wave) -> None:
        """Change the nodes of one wave: all are prepared before the first is armed, and they settle together.

        What has begun is brought to its end, also when a stop was asked for meanwhile.
        """
        prepared = self._step(nornir, wave.nodes, self._of_plan(prepare), self.stop)
        if len(prepared) < len(wave.nodes) or self.stop.asked:
            self._step(nornir, prepared, self._abandon)
            return
        verified = self._step(nornir, prepared, self._of_plan(migrate))
        if any(self.plans[name].restart for name in verified):
            self._let_settle()
        for name in self._step(nornir, verified, self._of_plan(settle)):
            self.reports[name] = migrated(self.fleet.nodes[name], self.plans[name], self.run.id)

    def _step(
        self, nornir: Nornir, names: Sequence[str], step: Callable[[Task], Result], stop: Stop | None = None
    ) -> list[str]:
        """Do ``step`` on ``names``, report the nodes that failed and return the others."""
        if not names:
            return []
        runner = FleetRunner(self.options.num_workers, stop or Stop(), stop_on_failure=stop is not None)
        return self._without_failures(self._run(only(nornir, names).with_runner(runner), step, step.__name__))

    def _abandon(self, task: Task) -> Result:
        return abandon(task, self.run)

    def _of_plan(self, step: Callable[..., Result]) -> Callable[[Task], Result]:
        """Return a task that does ``step`` with the plan of each node."""

        @wraps(step)
        def with_plan(task: Task) -> Result:
            return step(task, plan=self.plans[task.host.name], run=self.run)

        return with_plan

    def _without_failures(self, results: AggregatedResult) -> list[str]:
        """Report the nodes that failed and return the others."""
        good = []
        for name, result in results.items():
            node = self.fleet.nodes[name]
            if isinstance(result[0].result, Undone):
                self.reports[name] = undone(node, self.plans[name], result[0].result, self.run.id)
            elif result.failed:
                self.reports[name] = not_changed(node, result)
            else:
                good.append(name)
        return good

    def _let_settle(self) -> None:
        self.screen.progress(f"settling for {self.options.settle_seconds:g} s")
        self.stop.wait(self.options.settle_seconds)

    def _run(self, nornir: Nornir, task: Callable[[Task], Result], name: str) -> AggregatedResult:
        results = nornir.run(task, name=name)
        self.results.append(results)
        return results
