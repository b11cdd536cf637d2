"""From what a task came back with to the word that the node ends with."""

from __future__ import annotations

from dataclasses import replace

from nornir.core.task import MultiResult

from caches.errors import CachesError
from common import brief, mask
from containerd.decide import NodePlan
from containerd.model import ContainerdError, Decision, Refused, Strategy
from fleet.errors import ConnectionLost, FleetError, Interrupted, NotRecorded, Unreachable
from fleet.inventory import Node
from fleet.report import Exit, NodeReport, Outcome
from fleet.results import cause
from tasks.errors import TaskError
from tasks.migrate import Undone
from tasks.rollback import Restoration, RolledBack
from tasks.scripts import BASE
from tasks.status import Status
from tasks.verify import Verified


def failure(result: MultiResult) -> NodeReport:
    """Report a host on which a task failed before anything was changed."""
    error = cause(result)
    if isinstance(error, (Unreachable, ConnectionLost)):
        return NodeReport(Outcome.UNREACHABLE, mask(brief(str(error))), Exit.UNREACHABLE)
    if isinstance(error, Refused):
        details = tuple(map(str, error.findings))
        return NodeReport(Outcome.FAILED, mask(brief(str(error))), Exit.FAILED, details=details)
    if isinstance(error, (TaskError, ContainerdError, CachesError, FleetError)):
        return NodeReport(Outcome.FAILED, mask(brief(str(error))), Exit.FAILED)
    return NodeReport(Outcome.FAILED, mask(brief(f"internal error: {error!r}")), Exit.NOT_VERIFIED)


def not_changed(node: Node, result: MultiResult) -> NodeReport:
    """Report a node on which a task failed, was interrupted or not begun, before anything was changed."""
    report = failure(result)
    if isinstance(cause(result), (Interrupted, NotRecorded)):
        report = untouched(report, report.reason)
    return replace(report, generation=node.generation.value, strategy=node.strategy.value)


def planned(node: Node, plan: NodePlan) -> NodeReport:
    """Report what is to be done on a node; it weighs as changes pending."""
    if plan.acts:
        outcome, weight = Outcome.PLANNED, Exit.PENDING
    else:
        outcome, weight = (Outcome.SKIPPED if node.strategy is Strategy.SKIP else Outcome.UNCHANGED), Exit.OK
    return _of_plan(node, plan, outcome, plan.reason, weight)


def migrated(node: Node, plan: NodePlan, found: Verified, run: str) -> NodeReport:
    """Report a node that was changed, verified and confirmed. Containers that it lost make somebody look at it."""
    report = _of_plan(node, plan, Outcome.MIGRATED, f"{plan.reason}; CRI ok")
    return replace(_with_losses(report, found), run=run)


def completed(status: Status, found: Verified) -> NodeReport:
    """Report a node that an interrupted run had changed, and that was verified and confirmed later on."""
    reason = f"run {status.run} was complete: confirmed; CRI ok"
    report = NodeReport(Outcome.MIGRATED, reason, run=status.run, version=status.version)
    return _with_losses(report, found)


def given_up(node: Node, plan: NodePlan, result: MultiResult, run: str) -> NodeReport:
    """Report a node that was armed, and of which it is not known how it stands."""
    reason = f"{failure(result).reason}; it rolls back automatically; {_look(node)}; {_console(run)}"
    return replace(_of_plan(node, plan, Outcome.FAILED, reason, Exit.NOT_VERIFIED), run=run)


def relapsed(report: NodeReport, result: MultiResult) -> NodeReport:
    """Report a node that was rolled back and well, and after it had settled was not."""
    reason = f"{report.reason}; but not any more: {failure(result).reason}; {_console(report.run)}"
    return replace(report, outcome=Outcome.FAILED, reason=reason, weight=Exit.NOT_VERIFIED)


def _with_losses(report: NodeReport, found: Verified) -> NodeReport:
    if not found.lost:
        return report
    lost = f"shims were lost during the restart without having exited: {', '.join(found.lost)}; look at their pods"
    # The word that asks for somebody to look, as the exit code does; the reason says that the change holds.
    reason = f"{report.reason}, but {lost}"
    return replace(report, outcome=Outcome.FAILED, reason=reason, weight=Exit.NOT_VERIFIED)


def undone(node: Node, plan: NodePlan, failure: Undone, run: str) -> NodeReport:
    """Report a node that was changed and rolled back, or that could not be."""
    back = failure.way_back
    if back.restoration is Restoration.RESTORED:
        # The node may have gone back by itself meanwhile, by its timer or at its boot; or nothing had changed yet.
        what = "rolled back" if back.changed else "its files are those from before the run"
        reason = f"{failure.reason}; {what}, CRI ok"
        report = _of_plan(node, plan, Outcome.ROLLED_BACK, reason, Exit.FAILED)
    elif back.restoration is Restoration.NO_TRANSACTION:
        reason = f"{failure.reason}; somebody removed the transaction there; {_look(node)}"
        report = _of_plan(node, plan, Outcome.FAILED, reason, Exit.NOT_VERIFIED)
    else:
        what = "whether it went back is not known" if back.restoration is Restoration.UNKNOWN else "NOT rolled back"
        reason = f"{failure.reason}; {what}: {_told(back)}; {_console(run)}"
        report = _of_plan(node, plan, Outcome.FAILED, reason, Exit.NOT_VERIFIED)
    return replace(report, run=run, details=back.lines)


def untouched(report: NodeReport, why: str) -> NodeReport:
    """Report a node that was planned for, but whose turn never came."""
    return replace(report, outcome=Outcome.UNTOUCHED, reason=why, weight=Exit.OK, diff="", details=())


def never_read(node: Node) -> NodeReport:
    """Report a node that the run was interrupted before it was even read."""
    return _of_node(node, Outcome.UNTOUCHED, "the run was interrupted before this node was read")


def restored(node: Node, back: RolledBack) -> NodeReport:
    """Report a node of the emergency runbook."""
    match back.restoration:
        case Restoration.NO_TRANSACTION:
            report = _of_node(node, Outcome.UNCHANGED, "nothing to do: no such transaction on this node")
        case Restoration.CONFIRMED:
            report = _of_node(node, Outcome.UNCHANGED, "nothing to do: the run was confirmed meanwhile")
        case Restoration.RESTORED:
            report = _of_node(node, Outcome.ROLLED_BACK if back.changed else Outcome.UNCHANGED, _told(back))
        case Restoration.REFUSED:
            report = _of_node(node, Outcome.FAILED, _told(back), Exit.FAILED)
        case _:
            report = _of_node(node, Outcome.FAILED, f"{_told(back)}; {_console(back.run)}", Exit.NOT_VERIFIED)
    return replace(report, run=back.run, diff=back.diff)


def _look(node: Node) -> str:
    return f"see: python main.py status --limit {node.name}"


def _console(run: str | None) -> str:
    """Say what a person types; of this run, since another may be the newest on the node."""
    return f"on its console: sh {BASE}/{run or 'current'}/rollback"


def _told(back: RolledBack) -> str:
    """Put the script's lines into one; what it removed is counted, since it is many files and directories."""
    removed = [line for line in back.lines if line.startswith("removed ")]
    told = [line for line in back.lines if line not in removed]
    if removed:
        after = sum(line.startswith(("saved ", "restored ")) for line in told)
        told.insert(after, f"removed {len(removed)} files and directories of the run")
    return " · ".join(told) or "no answer"


def _of_node(node: Node, outcome: Outcome, reason: str, weight: Exit = Exit.OK) -> NodeReport:
    return NodeReport(outcome, reason, weight, generation=node.generation.value, strategy=node.strategy.value)


def _said(decision: Decision) -> tuple[str, ...]:
    return (*decision.notes, *map(str, decision.findings))


def _of_plan(node: Node, plan: NodePlan, outcome: Outcome, reason: str, weight: Exit = Exit.OK) -> NodeReport:
    report = _of_node(node, outcome, reason, weight)
    return replace(report, version=plan.facts.daemon.version.text, diff=plan.diff, details=_said(plan.decision))
