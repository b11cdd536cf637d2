"""The emergency runbook: every selected node runs its own way back, all in parallel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from fleet.errors import DeadlinePassed, UsageError
from fleet.inventory import Fleet, Node
from fleet.report import Exit, NodeReport, Outcome, Report
from fleet.results import cause
from fleet.runner import NODE_SECONDS
from fleet.screen import Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.options import RollbackOptions
from runbooks.outcomes import never_read, not_changed, restored
from runbooks.record import processors, recorded_if_possible
from runbooks.targets import targets
from tasks.reach import reach
from tasks.rollback import Mode
from tasks.rollback import rollback as roll_back
from tasks.run import Run

CURRENT = "current"


def rollback(
    fleet: Fleet, names: Sequence[str], options: RollbackOptions, screen: Screen
) -> tuple[Report, AggregatedResult]:
    """Undo a run on the nodes ``names`` and say per node what was restored and what CRI says now.

    Raises ``UsageError`` for a ``run_id`` that is none.
    """
    if options.run_id and not Run.is_id(options.run_id):
        raise UsageError(f"{options.run_id!r} is not the id of a run, such as 20260214T031502Z-1f3a", key="--run")
    if not options.yes and screen.can_ask and not _agreed(fleet, names, options, screen):
        reports = {name: NodeReport(Outcome.UNTOUCHED, "not agreed to") for name in names}
        return Report(None, reports, interrupted=True, title="Rollback"), AggregatedResult("rollback")

    stop = Stop(screen.progress)
    mine = Run.begin(fleet.transaction, stop)
    with recorded_if_possible(mine, fleet, screen) as journal:
        screen.progress(f"rolling back {len(names)} nodes")
        told = processors(screen, journal)
        with nornir_for(fleet, names, told, stop, node_seconds=NODE_SECONDS) as nornir, stop.listening():
            results = nornir.run(partial(_undo, options=options), name="undo")
        reports = {name: _report(fleet.nodes[name], results.get(name)) for name in names}
        runs = {report.run for report in reports.values() if report.run}
        report = Report(runs.pop() if len(runs) == 1 else None, reports, stop.asked, "Rollback")
        if journal is not None:
            journal.closing(report)
    return report, results


def _agreed(fleet: Fleet, names: Sequence[str], options: RollbackOptions, screen: Screen) -> bool:
    """Show which run would be undone on each node, and ask. A node that does not answer is listed as such."""
    found = targets(fleet, names, options.run_id or CURRENT, screen)
    if found.interrupted:
        return False
    found.show(screen)
    return screen.agreed(f"Roll back these {len(names)} nodes? Type {len(names)} to go on:", str(len(names)))


def _undo(task: Task, options: RollbackOptions) -> Result:
    task.run(reach)
    mode = Mode.FORCE if options.force else Mode.PLAIN
    return Result(host=task.host, result=task.run(roll_back, run_id=options.run_id or CURRENT, mode=mode)[0].result)


def _report(node: Node, result: MultiResult | None) -> NodeReport:
    if result is None:
        return never_read(node)
    if isinstance(cause(result), DeadlinePassed):
        return replace(not_changed(node, result), weight=Exit.NOT_VERIFIED)
    return not_changed(node, result) if result.failed else restored(node, result[0].result)
