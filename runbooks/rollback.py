"""The emergency runbook: every selected node runs its own way back, all in parallel."""

from __future__ import annotations

from collections.abc import Sequence

from nornir.core.task import AggregatedResult, Result, Task

from fleet.errors import UsageError
from fleet.inventory import Fleet
from fleet.report import NodeReport, Outcome, Report
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.options import RollbackOptions
from runbooks.outcomes import never_read, not_changed, restored
from tasks.reach import reach
from tasks.rollback import Mode
from tasks.rollback import rollback as roll_back
from tasks.run import Run


def rollback(
    fleet: Fleet, names: Sequence[str], options: RollbackOptions, screen: Screen
) -> tuple[Report, AggregatedResult]:
    """Undo a run on the nodes ``names`` and say per node what was restored and what CRI says now.

    Raises ``UsageError`` for a ``run_id`` that is none.
    """
    if options.run_id and not Run.is_id(options.run_id):
        raise UsageError(f"{options.run_id!r} is not the id of a run, such as 20260214T031502Z-1f3a", key="--run")
    question = f"Roll back {len(names)} nodes? Type {len(names)} to go on:"
    if not options.yes and not screen.agreed(question, str(len(names))):
        reports = {name: NodeReport(Outcome.UNTOUCHED, "not agreed to") for name in names}
        return Report(None, reports, interrupted=True, title="Rollback"), AggregatedResult("rollback")

    def undo(task: Task) -> Result:
        task.run(reach)
        return roll_back(task, run_id=options.run_id or "current", mode=Mode.FORCE if options.force else Mode.PLAIN)

    stop = Stop(screen.progress)
    with nornir_for(fleet, names, ProgressProcessor(screen), stop) as nornir, stop.listening():
        screen.progress(f"rolling back {len(names)} nodes")
        results = nornir.run(undo)
    reports = {}
    for name in names:
        node, result = fleet.nodes[name], results.get(name)
        if result is None:
            reports[name] = never_read(node)
        else:
            reports[name] = not_changed(node, result) if result.failed else restored(node, result[0].result)
    runs = {report.run for report in reports.values() if report.run}
    return Report(runs.pop() if len(runs) == 1 else None, reports, stop.asked, "Rollback"), results
