"""Take nodes off the wildcard mirror: plan all, one canary per generation, then wave by wave. Stop at a failure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, Result, Task

from containerd.decide import Consent, NodePlan
from fleet.errors import NotRecorded, UsageError
from fleet.inventory import Fleet
from fleet.journal import Journal
from fleet.report import Exit, Gate, NodeReport, Outcome, Report
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from fleet.waves import waves
from runbooks import canary
from runbooks.caches import gate
from runbooks.caches.hold import Hold
from runbooks.options import RolloutOptions
from runbooks.outcomes import never_read, not_changed, planned, untouched
from runbooks.record import processors, recorded
from runbooks.wave import Wave
from tasks.migrate import longest
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
    gate: Gate | None = None
    stop: Stop = field(init=False)
    run: Run = field(init=False)

    def __post_init__(self) -> None:
        if message := self.fleet.transaction.too_short(self.options.settle_seconds):
            place = str(self.fleet.directory / "defaults.yaml")
            raise UsageError(message, place, key="data.transaction.revert_after")
        dry_run = self.options.dry_run
        self.stop = Stop(self.screen.progress, undoes=not dry_run, reads=dry_run)
        self.run = Run.begin(self.fleet.transaction, self.stop)

    def carry_out(self) -> Report:
        """Plan every node, ask the caches and the operator, and change those that are to change.

        Returns what became of every node.
        """
        if self.options.dry_run:
            with self._nornir() as nornir, self.stop.listening():
                self._plan(nornir)
                self._ask_caches(nornir)
            return self._report()
        with recorded(self.run, self.fleet, self.screen) as journal:
            with self._nornir() as nornir:
                with self.stop.listening():
                    self._plan(nornir)
                    for name in self._changing:
                        journal.planned(name, self.plans[name])
                    self._ask_caches(nornir)
                self._change_if_agreed(nornir, journal)
            journal.closing(self._report(journal))
        return self._report(journal)

    def _nornir(self) -> Nornir:
        processor = ProgressProcessor(self.screen)
        machines = {*self.names, *self.fleet.cache_hosts}
        return nornir_for(self.fleet, machines, processor, self.stop, dry_run=self.options.dry_run)

    def _report(self, journal: Journal | None = None) -> Report:
        reports = {name: self.reports.get(name) or never_read(self.fleet.nodes[name]) for name in self.names}
        run = self.run.id if any(report.run for report in reports.values()) else None
        return Report(run, reports, self.stop.asked, "Rollout", self.gate, journal.broken if journal else "")

    @property
    def _changing(self) -> list[str]:
        return [name for name in self.names if name in self.plans and self.plans[name].acts]

    def _plan(self, nornir: Nornir) -> None:
        options = self.options
        consent = Consent(options.accept_loss, options.allow_version_change, options.allow_restart_of)

        def plan_one(task: Task) -> Result:
            node = self.fleet.nodes[task.host.name]
            policy = self.fleet.policy(node.name)
            return plan(task, node.generation, policy, consent, without_proof=options.without_proof)

        self.screen.progress(f"planning {len(self.names)} nodes")
        results = only(nornir, self.names).run(plan_one, name="plan")
        self.results.append(results)
        for name, result in results.items():
            node = self.fleet.nodes[name]
            if result.failed:
                self.reports[name] = not_changed(node, result)
            else:
                self.plans[name] = result[0].result
                self.reports[name] = planned(node, self.plans[name])

    def _ask_caches(self, nornir: Nornir) -> None:
        """Ask whether the caches are fit for the nodes that change; what refuses keeps all of them untouched."""
        wrong = () if self.options.without_gate else gate.wrong_images(self.fleet, self.plans)
        if self.stop.asked or not (self._changing or wrong):
            return
        self.gate = gate.NOT_ASKED
        if not self.options.without_gate:
            self.screen.progress("asking the caches")
            silent = nornir.with_processors([])
            dhcp = self.options.allow_dhcp
            self.gate = gate.ask(self.fleet, silent, self._changing, allow_dhcp=dhcp, wrong=wrong)
        if self.stop.asked:
            self.gate = None
            return
        self.screen.progress(self.gate.lines[0])

    def _change_if_agreed(self, nornir: Nornir, journal: Journal) -> None:
        if journal.broken:
            self._leave(journal.broken)
            return
        if self._changing and not self._refused and not self.stop.asked:
            self.screen.plan(self._report().with_diffs(shown=self.options.diff).nodes)
            if not self.options.yes:
                self._ask(nornir)
        if self.gate is not None and self.gate.refused:
            self._leave(gate.reason(self.gate), Exit.FAILED)
            return
        with self.stop.listening():
            self._change(nornir.with_processors(processors(self.screen, journal)), journal)

    def _ask(self, nornir: Nornir) -> None:
        """Ask, where there is somebody to ask; a no is a wish to stop.

        The caches are asked anew after a yes: it may have taken long.
        """
        number = len(self._changing)
        if not self.screen.agreed(f"Change {number} nodes? Type {number} to go on:", str(number)):
            self.stop.ask()
        elif self.screen.can_ask:
            with self.stop.listening():
                self._ask_caches(nornir)

    def _change(self, nornir: Nornir, journal: Journal) -> None:
        seconds = longest(self.run.limits, self.options.settle_seconds)
        hold = Hold(self.fleet, nornir, self.run, self.screen, seconds)
        with hold.released() if self._asked and not self.stop.asked else nullcontext():
            for wave in waves((self.fleet.nodes[name] for name in self._changing), self.options.num_workers):
                if self.stop.asked or journal.broken:
                    break
                if self._asked and (why := hold.renew()):
                    self._leave(journal.broken or f"the run stopped, the caches cannot be held: {why}", Exit.FAILED)
                    break
                self.screen.progress(f"{wave.label}: {', '.join(wave.nodes)}")
                self._wave(nornir, wave.nodes, journal)
                if wave.canary and self._asked:
                    self._prove(wave.nodes[0], hold, journal)
                failed = [name for name in wave.nodes if self.reports[name].weight not in (Exit.OK, Exit.PENDING)]
                if failed:
                    self._leave(journal.broken or f"the run stopped after {failed[0]}")
                    break
        self._leave(journal.broken or "interrupted, or not agreed to")

    def _prove(self, name: str, hold: Hold, journal: Journal) -> None:
        report = self.reports[name]
        if report.outcome is Outcome.MIGRATED and report.weight is Exit.OK and not self.stop.asked:
            # A cache that is restarted meanwhile would not prove anything.
            if not journal.broken and (why := hold.renew()):
                self.screen.progress(f"warning: the caches cannot be held any longer: {why}")
            try:
                found = canary.prove(self.fleet, name, report, stop=self.stop, journal=journal, screen=self.screen)
            except NotRecorded as error:
                found = replace(report, reason=f"{report.reason}; its pulls were not checked: {error}")
            self.reports[name] = found

    @property
    def _refused(self) -> bool:
        return self.gate is not None and bool(self.gate.refused)

    @property
    def _asked(self) -> bool:
        """Whether the run has to do with the caches: it holds their upkeep, and its canaries prove their pulls."""
        return self.gate is not None and not self.options.without_gate

    def _leave(self, why: str, weight: Exit = Exit.OK) -> None:
        """Say of every node whose turn has not come that it stays as it is."""
        for name in self._changing:
            if self.reports[name].outcome is Outcome.PLANNED:
                self.reports[name] = replace(untouched(self.reports[name], why), weight=weight)

    def _wave(self, nornir: Nornir, names: Sequence[str], journal: Journal) -> None:
        wave = Wave(self.fleet, nornir, self.plans, self.run, self.options, self.screen, journal)
        try:
            wave.carry_out(names)
        finally:
            self.reports |= wave.reports
            self.results += wave.results
