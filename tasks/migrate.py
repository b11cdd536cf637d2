"""One transaction on one node: stage, swap, restart, verify; roll back at once where that fails."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nornir.core.exceptions import NornirSubTaskError
from nornir.core.task import Result, Task

from containerd.plan import NodePlan
from fleet.errors import ConnectionLost, FleetError, Unreachable
from fleet.remote import reconnect
from fleet.results import cause
from tasks.confirm import confirm
from tasks.errors import TaskError
from tasks.restart import restart
from tasks.rollback import Restoration, RolledBack, rollback
from tasks.run import Run
from tasks.stage import stage
from tasks.swap import swap
from tasks.verify import verify

RECONNECT_TRIES = 6
RECONNECT_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Undone:
    """A transaction that failed after the node was changed: why, and what the way back found."""

    reason: str
    way_back: RolledBack


def migrate(task: Task, plan: NodePlan, run: Run) -> Result:
    """Carry out ``plan`` on the node up to its verification; the result is the plan, or an ``Undone``.

    Raises ``NornirSubTaskError`` where staging fails: the node is then untouched.
    """
    task.run(stage, plan=plan, run=run)
    try:
        if plan.files:
            task.run(swap, plan=plan, run=run)
        if plan.restart:
            task.run(restart, run=run)
        task.run(verify, plan=plan, run=run)
    except BaseException as error:  # whatever it was, the node must not stay half-changed
        return _undo(task, run, error)
    return Result(host=task.host, changed=True, diff=plan.diff, result=plan)


def settle(task: Task, plan: NodePlan, run: Run) -> Result:
    """After the wave has settled: verify again, then confirm over a new connection; roll back where that fails."""
    try:
        task.run(verify, plan=plan, run=run)
        task.run(confirm, run=run)
    except BaseException as error:  # as above
        return _undo(task, run, error)
    return Result(host=task.host, result=plan)


def _undo(task: Task, run: Run, error: BaseException) -> Result:
    reason = _reason(error)
    if not isinstance(reason, (TaskError, FleetError)):
        reason = TaskError(f"internal error: {reason!r}")
    try:
        if isinstance(reason, (ConnectionLost, Unreachable)):
            _wait_for(task)
        # The node must not stay broken because somebody edited a file meanwhile: --force saves that edit.
        way_back = task.run(rollback, run_id=run.id, force=True)[0].result
    except (NornirSubTaskError, Unreachable) as lost:
        way_back = RolledBack(run.id, Restoration.UNKNOWN, (f"the way back is not verified: {_reason(lost)}",))
    return Result(host=task.host, changed=True, failed=True, result=Undone(str(reason), way_back))


def _reason(error: BaseException) -> BaseException | None:
    return cause(error.result) if isinstance(error, NornirSubTaskError) else error


def _wait_for(task: Task) -> None:
    """Connect again to a node that was lost after the swap, or raise ``Unreachable``."""
    for attempt in range(RECONNECT_TRIES):
        try:
            return reconnect(task.host)
        except Unreachable:
            if attempt == RECONNECT_TRIES - 1:
                raise
            time.sleep(RECONNECT_PAUSE_SECONDS)
    return None
