"""Deploy the caches: read every cache host, show the plan, then one host and one cache after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from nornir.core import Nornir
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from caches.advice import advice, host_advice
from caches.plan import NOTHING_REFUSED, Act, Action, Consent, HostPlan, plan_host
from caches.present import HostFacts
from caches.spec import Wanted
from caches.uses import HostUses, NodeUses, Stake, refusals, stake
from fleet.errors import CommandTimeout, ConnectionLost, DeadlinePassed, Interrupted, NotRecorded
from fleet.inventory import Fleet
from fleet.journal import Journal
from fleet.report import Exit, NodeReport, Outcome
from fleet.results import cause
from fleet.runner import NODE_SECONDS, FleetRunner
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from runbooks.caches.nodes import ports_for, uses_of_all
from runbooks.caches.report import CacheReport, CachesReport, Fate, HostReport
from runbooks.options import CachesOptions
from runbooks.outcomes import failure
from runbooks.record import processors, recorded
from tasks.caches.deploy import DEPLOY_SECONDS, INSTALL_SECONDS, Done, deploy, install_docker
from tasks.caches.files import FILES, upkeep_files
from tasks.caches.read import read
from tasks.errors import NotServing, StepFailed
from tasks.run import Run
from templates import render_cache_config

USES_SECONDS = 60.0
USES_SECONDS_AT_FIRST = 15.0
"""How long a node may take to be read where no cache of ours loses its port: one that is down stops nothing then."""
_PLANNED = {
    Act.UNCHANGED: CacheReport(Fate.UNCHANGED),
    Act.LEFT: CacheReport(Fate.LEFT),
    Act.REFUSE: CacheReport(Fate.FAILED, weight=Exit.FAILED),
}


@dataclass
class Deploy:
    """One deploy of the caches of ``fleet``. Raises ``InventoryError`` where a password is not to be had.

    A port that a node uses, or may use, is neither moved nor removed nor given to another registry.
    """

    fleet: Fleet
    options: CachesOptions
    screen: Screen
    plans: dict[str, HostPlan] = field(default_factory=dict)
    installing: set[str] = field(default_factory=set)
    reports: dict[str, HostReport] = field(default_factory=dict)
    uses: NodeUses = field(default_factory=NodeUses)
    stop: Stop = field(init=False)
    wanted: tuple[Wanted, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.stop = Stop(self.screen.progress)
        self.wanted = tuple(Wanted(it, render_cache_config(it)) for it in self.fleet.caches.with_passwords())

    def carry_out(self) -> CachesReport:
        """Plan every host, ask, and change those that are to change. Returns what became of every cache."""
        names = self.fleet.cache_hosts
        machines = {*names, *self.fleet.nodes}
        with nornir_for(self.fleet, machines, ProgressProcessor(self.screen), self.stop) as nornir:
            with self.stop.listening():
                self.screen.progress(f"planning {len(names)} cache hosts")
                self._plan(nornir)
            acting = {name for name, plan in self.plans.items() if plan.acts} | self.installing
            changing = [name for name in names if name in acting]
            if self.options.dry_run or not changing:
                return self._report(None)
            return self._change_if_agreed(nornir, changing)

    def _report(self, run: str | None, journal: Journal | None = None) -> CachesReport:
        never = NodeReport(Outcome.UNTOUCHED, "the run was interrupted before this host was read")
        hosts = {name: self.reports.get(name) or HostReport(trouble=never) for name in self.fleet.cache_hosts}
        return CachesReport(run, hosts, self.stop.asked, unrecorded=journal.broken if journal else "")

    def _plan(self, nornir: Nornir) -> None:
        def read_one(task: Task) -> Result:
            return self._read(task, without_docker=self.options.install_docker)

        hosts: dict[str, HostFacts] = {}
        for name, result in only(nornir, self.fleet.cache_hosts).run(read_one, name="read").items():
            if result.failed:
                self.reports[name] = HostReport(trouble=failure(result))
                continue
            facts = hosts[name] = result[0].result
            if self.options.install_docker and not (facts.docker and facts.cron):
                self.installing.add(name)
        consent = Consent(self.options.prune, self.options.prune_data)
        self._read_nodes(nornir, hosts, consent)
        for name, facts in hosts.items():
            self._take_in(name, facts, consent)

    def _read_nodes(self, nornir: Nornir, hosts: Mapping[str, HostFacts], consent: Consent) -> None:
        """Read which ports the nodes use, where any may be lost by what is planned."""
        stakes = (stake(facts, self._planned(facts, consent), self.wanted) for facts in hosts.values())
        most = max(stakes, default=Stake.NOTHING)
        if most is Stake.NOTHING and not self.installing:
            return
        self.screen.progress(f"reading which ports {len(self.fleet.nodes)} nodes use")
        seconds = USES_SECONDS if most is Stake.USED_PORTS else USES_SECONDS_AT_FIRST
        self.uses = uses_of_all(self.fleet, nornir.with_processors([]), seconds, self.stop)

    def _read(self, task: Task, *, without_docker: bool) -> Result:
        return read(task, [it.spec.image.reference for it in self.wanted], FILES, without_docker=without_docker)

    def _planned(self, facts: HostFacts, consent: Consent, refused: Mapping[str, str] = NOTHING_REFUSED) -> HostPlan:
        upkeep = partial(upkeep_files, upkeep=self.fleet.caches.upkeep)
        return plan_host(facts, self.wanted, upkeep, consent, refused)

    def _take_in(self, name: str, facts: HostFacts, consent: Consent) -> None:
        """Plan a host, and report it as planned."""
        uses = HostUses(name, ports_for(self.fleet), self.uses)
        plan = self._planned(facts, consent)
        plan = self._planned(facts, consent, refusals(facts, plan, self.wanted, uses))
        missing = [what for what, there in (("Docker", facts.docker), ("cron", facts.cron)) if not there]
        install = bool(missing) and name in self.installing
        first = f"{' and '.join(missing)} is to run first; what is there then is planned anew"
        self.plans[name] = plan
        self.reports[name] = HostReport(
            caches={action.container: _planned(action) for action in plan.actions},
            findings=(*advice([it.spec for it in self.wanted]), *(() if install else host_advice(facts))),
            said=(*((first,) if install else ()), *(f"{file.path} is to be written" for file in plan.files)),
            diff=plan.diff,
            weight=Exit.PENDING if plan.files or install else Exit.OK,
        )

    def _change_if_agreed(self, nornir: Nornir, changing: list[str]) -> CachesReport:
        if not self.stop.asked:
            with self.screen.beforehand():
                self._report(None).with_diffs(shown=self.options.diff).table(self.screen, "The plan")
        if not self.options.yes and not self.stop.asked:
            count = sum(action.acts for name in changing for action in self.plans[name].actions)
            what, word = (f"{count} caches", str(count)) if count else ("no cache, but what looks after them,", "yes")
            if not self.screen.agreed(f"Change {what} on {', '.join(changing)}? Type {word} to go on:", word):
                self.stop.ask()
        run = Run.begin(self.fleet.transaction, self.stop)
        with recorded(run, self.fleet, self.screen) as journal, self.stop.listening():
            recording = nornir.with_processors(processors(self.screen, journal))
            results = self._change(recording, changing, run, journal)
            for name in changing:
                self.reports[name] = self._changed(name, results.get(name), journal.broken)
            report = self._report(run.id, journal)
            for name, host in report.hosts.items():
                for cache, it in host.caches.items():
                    journal.outcome(f"{name}/{cache}", it.fate.value, it.reason)
            journal.finished(report.exit_code)
        return self._report(run.id, journal)

    def _change(self, nornir: Nornir, changing: list[str], run: Run, journal: Journal) -> AggregatedResult:
        """Change one host after another: where there are two, the nodes always have one of them."""

        def ends() -> bool:
            return self.stop.asked or bool(journal.broken)

        def change(task: Task) -> Result:
            if task.host.name in self.installing:
                task.run(install_docker, name="install docker")
                # Nobody has seen in a plan what there is to be removed.
                self._take_in(task.host.name, self._read(task, without_docker=False).result, Consent())
            return deploy(task, self.plans[task.host.name], ends, lambda: run.stop.urgent)

        chosen = nornir.filter(filter_func=lambda host: host.name in changing)
        actions = max((len(self.plans[name].actions) for name in changing), default=0)
        seconds = INSTALL_SECONDS + (actions + 1) * (DEPLOY_SECONDS + NODE_SECONDS)
        runner = FleetRunner(1, self.stop, stop_on_failure=True, node_seconds=seconds)
        return chosen.with_runner(runner).run(change, name="deploy")

    def _changed(self, name: str, result: MultiResult | None, unrecorded: str) -> HostReport:
        """Report each cache of a host; ``unrecorded`` says why the run began nothing new, where that is the reason."""
        report, plan = self.reports[name], self.plans[name]
        # A step that failed is the action's own affair: what counts is whether the host's task came to its end.
        if result is not None and isinstance(cause(result), NotRecorded):
            result = None
        if result is not None and result[0].failed:
            return HostReport(trouble=_broken_off(result), findings=report.findings)
        done: dict[str, Done] = {it.action.container: it for it in (result[0].result if result is not None else ())}
        caches = dict(report.caches)
        for action in plan.actions:
            if action.acts:
                ended = done.get(action.container)
                caches[action.container] = (
                    _ended(ended) if ended else CacheReport(Fate.UNTOUCHED, unrecorded or "the run stopped before")
                )
        said = tuple(f"{file.path} is written" for file in plan.files) if result is not None else report.said
        return HostReport(caches, findings=report.findings, said=said, diff=report.diff)


def _broken_off(result: MultiResult) -> NodeReport:
    """Report a host whose turn had come, and on which no cache was begun with."""
    report = failure(result)
    if isinstance(cause(result), DeadlinePassed):
        return replace(report, weight=Exit.NOT_VERIFIED)
    if not isinstance(cause(result), (CommandTimeout, ConnectionLost, Interrupted)):
        return report
    reason = f"{report.reason}; no cache was touched, but packages or files may be half written: repeat the command"
    return NodeReport(Outcome.FAILED, reason, Exit.NOT_VERIFIED)


def _planned(action: Action) -> CacheReport:
    known = _PLANNED.get(action.act)
    if known is not None:
        return CacheReport(known.fate, action.reason, known.weight)
    if action.refusal:
        return CacheReport(Fate.PLANNED, f"start as it is: {action.refusal}", Exit.FAILED)
    return CacheReport(Fate.PLANNED, f"{action.act.value}: {action.reason}", Exit.PENDING)


def _ended(done: Done) -> CacheReport:
    action, error = done.action, done.error
    if error is None and action.refusal:
        return CacheReport(Fate.FAILED, f"started as it was: {action.refusal}", Exit.FAILED)
    if error is None:
        fate = Fate.REMOVED if action.act is Act.REMOVE else Fate.DEPLOYED
        return CacheReport(fate, f"{action.act.value}: {action.reason}")
    known = isinstance(error, StepFailed) and not isinstance(error, NotServing)
    return CacheReport(Fate.FAILED, str(error) or repr(error), Exit.FAILED if known else Exit.NOT_VERIFIED)
