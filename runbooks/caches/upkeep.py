"""The upkeep of the caches by hand: garbage collection and restart, one cache after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from nornir.core.exceptions import NornirSubTaskError
from nornir.core.task import AggregatedResult, Result, Task

from caches.present import HostFacts
from caches.spec import CacheSpec
from caches.upkeep import Script
from fleet.errors import NotRecorded, UsageError
from fleet.inventory import Fleet
from fleet.journal import Journal
from fleet.report import Exit, NodeReport, Outcome
from fleet.results import cause
from fleet.runner import NODE_SECONDS, FleetRunner
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.caches.report import CacheReport, CachesReport, Fate, HostReport
from runbooks.options import UpkeepOptions
from runbooks.outcomes import failure
from runbooks.record import processors, recorded
from tasks.caches.read import read
from tasks.caches.upkeep import UPKEEP_SECONDS, Kept, look_after
from tasks.errors import StepFailed
from tasks.reach import reach
from tasks.run import Run

TITLE = "Upkeep"
_FATES = {Script.GC: Fate.COLLECTED, Script.RESTART: Fate.RESTARTED}


def collect(fleet: Fleet, names: Sequence[str], options: UpkeepOptions, screen: Screen) -> CachesReport:
    """Collect the garbage of the caches ``names`` (all where none is named) on every cache host.

    Goes on after a failure. Raises ``UsageError`` for a name that no cache has.
    """
    return _upkeep(fleet, Script.GC, names, options, screen)


def restart(fleet: Fleet, names: Sequence[str], options: UpkeepOptions, screen: Screen) -> CachesReport:
    """Restart the caches ``names`` (all where none is named) on every cache host; else as ``collect``."""
    return _upkeep(fleet, Script.RESTART, names, options, screen)


def _upkeep(fleet: Fleet, script: Script, names: Sequence[str], options: UpkeepOptions, screen: Screen) -> CachesReport:
    containers, hosts, stop = _chosen(fleet, names), fleet.cache_hosts, Stop(screen.progress)
    if options.dry_run:
        with nornir_for(fleet, hosts, ProgressProcessor(screen), stop) as nornir, stop.listening():
            step = partial(_see, script=script, containers=containers)
            return CachesReport(None, _reports(hosts, nornir.run(step, name="read")), stop.asked, TITLE)
    what = f"{script.value} of {', '.join(containers)} on {', '.join(hosts)}"
    question = f"{what}: each stops for a while. Type {len(containers)} to go on:"
    if not options.yes and not screen.agreed(question, str(len(containers))):
        untouched = {name: CacheReport(Fate.UNTOUCHED, "not agreed to") for name in containers}
        return CachesReport(None, dict.fromkeys(hosts, HostReport(untouched)), interrupted=True, title=TITLE)
    run = Run.begin(fleet.transaction, stop)
    with recorded(run, fleet, screen) as journal:
        with nornir_for(fleet, hosts, processors(screen, journal), stop) as nornir, stop.listening():
            seconds = NODE_SECONDS + len(containers) * UPKEEP_SECONDS
            one_by_one = nornir.with_runner(FleetRunner(1, stop, node_seconds=seconds))
            step = partial(_each, script=script, containers=containers, stop=stop, journal=journal)
            reports = _reports(hosts, one_by_one.run(step, name=script.value))
        report = CachesReport(run.id, reports, stop.asked, TITLE, journal.broken)
        journal.finished(report.exit_code)
    return replace(report, unrecorded=journal.broken)


def _reports(hosts: Sequence[str], results: AggregatedResult) -> dict[str, HostReport]:
    never = NodeReport(Outcome.UNTOUCHED, "the run was interrupted before this host")
    reports = {name: HostReport(trouble=never) for name in hosts}
    for name, result in results.items():
        reports[name] = HostReport(trouble=failure(result)) if result[0].failed else HostReport(result[0].result)
    return reports


def _chosen(fleet: Fleet, names: Sequence[str]) -> tuple[str, ...]:
    """Return the containers that are meant: by their own name, the cache's or the registry's."""
    known = {word: spec.container for spec in fleet.caches.specs for word in _words(spec)}
    for name in names:
        if name not in known:
            caches = ", ".join(spec.name for spec in fleet.caches.specs)
            raise UsageError(f"there is no cache {name!r}; there are {caches}", key="CACHE")
    chosen = {known[name] for name in names}
    return tuple(spec.container for spec in fleet.caches.specs if not names or spec.container in chosen)


def _words(spec: CacheSpec) -> tuple[str, ...]:
    return spec.container, spec.name, spec.registry


def _see(task: Task, script: Script, containers: Sequence[str]) -> Result:
    """Say what would be done to each cache of a host, as far as that can be seen. Changes nothing."""
    facts: HostFacts = task.run(read, images=(), paths=())[0].result
    return Result(host=task.host, result={name: _planned(facts, script, name) for name in containers})


def _planned(facts: HostFacts, script: Script, name: str) -> CacheReport:
    there = facts.container(name)
    if there is None or there.cache is None:
        why = "there is no such container" if there is None else "it was not deployed by containerd-fleet"
        return CacheReport(Fate.FAILED, why, Exit.FAILED)
    if not there.runs:
        return CacheReport(Fate.FAILED, "it does not run", Exit.FAILED)
    return CacheReport(Fate.PLANNED, script.value, Exit.PENDING)


def _each(task: Task, script: Script, containers: Sequence[str], stop: Stop, journal: Journal) -> Result:
    """Do it to each cache of a host. The result has a report for each."""
    task.run(reach)
    reports: Mapping[str, CacheReport] = {}
    for name in containers:
        if stop.asked or journal.broken:
            reports = {**reports, name: CacheReport(Fate.UNTOUCHED, journal.broken or "interrupted")}
            continue
        try:
            step = partial(look_after, script=script, container=name, cancelled=lambda: stop.urgent)
            kept: Kept = task.run(step, name=f"{script.value} {name}")[0].result
            report = _skipped(kept) if kept.skipped else CacheReport(_FATES[script], kept.said)
        except NotRecorded as error:
            report = CacheReport(Fate.UNTOUCHED, str(error))
        except NornirSubTaskError as error:
            report = _failed(cause(error.result))
        reports = {**reports, name: report}
    return Result(host=task.host, result=reports)


def _skipped(kept: Kept) -> CacheReport:
    """It is still to be done: cron, which comes again, is content with that; a person asked for it now."""
    return CacheReport(Fate.SKIPPED, kept.said, Exit.PENDING)


def _failed(error: BaseException | None) -> CacheReport:
    weight = Exit.FAILED if isinstance(error, StepFailed) else Exit.NOT_VERIFIED
    return CacheReport(Fate.FAILED, str(error), weight)
