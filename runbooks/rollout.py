"""Take nodes off the wildcard mirror: plan all, one canary per generation, then wave by wave. Stop at a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, Result, Task

from containerd.plan import Consent, NodePlan
from fleet.errors import UsageError
from fleet.inventory import Fleet
from fleet.journal import Journal
from fleet.report import Exit, NodeReport, Outcome, Report
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from fleet.waves import waves
from runbooks.options import RolloutOptions
from runbooks.outcomes import never_read, not_changed, planned, untouched
from runbooks.record import processors, recorded
from runbooks.wave import Wave
from tasks.plan import plan
from tasks.run import Run


@dataclass
class Rollout:
    """One rollout over the nodes ``names`` of ``fleet``.

    Raises ``UsageError`` where the revert timers would act before a healthy node is confirmed.
    """

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
        limits, settle = self.fleet.transaction, self.options.settle_seconds
        if limits.revert_after < limits.needed(settle):
            message = (
                f"{limits.revert_after} s are too short: restart_within, twice verify_within, {settle:g} s to settle "
                f"and the steps between them may take {limits.needed(settle):g} s; raise it to at least that"
            )
            place = str(self.fleet.directory / "defaults.yaml")
            raise UsageError(message, place, key="data.transaction.revert_after")
        self.stop = Stop(self.screen.progress, undoes=not self.options.dry_run)
        self.run = Run.begin(limits, self.stop)

    def carry_out(self) -> Report:
        """Plan every node, ask, and change those that are to change. Returns what became of every node."""
        if self.options.dry_run:
            with self._nornir() as nornir, self.stop.listening():
                self._plan(nornir)
            return self._report()
        with recorded(self.run, self.fleet.runs, self.screen) as journal:
            with self._nornir() as nornir:
                with self.stop.listening():
                    self._plan(nornir)
                    changing = [name for name in self.names if name in self.plans and self.plans[name].acts]
                    for name in changing:
                        journal.planned(name, self.plans[name])
                self._change_if_agreed(nornir, journal, changing)
            report = self._report()
            journal.closing(report)
            return report

    def _nornir(self) -> Nornir:
        processor = ProgressProcessor(self.screen)
        return nornir_for(self.fleet, self.names, processor, self.stop, dry_run=self.options.dry_run)

    def _report(self) -> Report:
        reports = {name: self.reports.get(name) or never_read(self.fleet.nodes[name]) for name in self.names}
        run = self.run.id if any(report.run for report in reports.values()) else None
        return Report(run, reports, self.stop.asked, "Rollout")

    def _plan(self, nornir: Nornir) -> None:
        consent = Consent(self.options.accept_loss, self.options.allow_version_change)

        def plan_one(task: Task) -> Result:
            node = self.fleet.nodes[task.host.name]
            policy = self.fleet.policy(node.name)
            return plan(task, node.generation, policy, consent, without_proof=self.options.without_proof)

        self.screen.progress(f"planning {len(self.names)} nodes")
        results = nornir.run(plan_one, name="plan")
        self.results.append(results)
        for name, result in results.items():
            node = self.fleet.nodes[name]
            if result.failed:
                self.reports[name] = not_changed(node, result)
            else:
                self.plans[name] = result[0].result
                self.reports[name] = planned(node, self.plans[name])

    def _change_if_agreed(self, nornir: Nornir, journal: Journal, changing: Sequence[str]) -> None:
        if changing and not self.options.yes and not self.stop.asked:
            self._ask(changing)
        with self.stop.listening():
            self._change(nornir.with_processors(processors(self.screen, journal)), changing)

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
            self._wave(nornir, wave.nodes)
            failed = [name for name in wave.nodes if self.reports[name].weight not in (Exit.OK, Exit.PENDING)]
            if failed:
                why = f"the run stopped after {failed[0]}"
                break
        for name in changing:
            if self.reports[name].outcome is Outcome.PLANNED:
                self.reports[name] = untouched(self.reports[name], why)

    def _wave(self, nornir: Nornir, names: Sequence[str]) -> None:
        wave = Wave(self.fleet, nornir, self.plans, self.run, self.options, self.screen)
        try:
            wave.carry_out(names)
        finally:
            self.reports |= wave.reports
            self.results += wave.results
