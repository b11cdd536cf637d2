"""Settle a transaction that a run has left behind."""

from __future__ import annotations

from nornir.core.task import Result, Task

from tasks.abandon import abandon
from tasks.confirm import confirm
from tasks.rollback import Mode, RolledBack, rollback
from tasks.run import Run
from tasks.status import State, Status
from tasks.verify import check


def is_complete(status: Status) -> bool:
    """Return whether a transaction is at its verification, so that it may be confirmed if the node is well."""
    return status.step == "verifying" and status.healthy


def keep(task: Task, run: Run) -> Result:
    """Check the node once more and confirm the transaction of ``run``; the result is a ``Verified``.

    Raises ``NornirSubTaskError`` otherwise.
    """
    found = task.run(check, run_id=run.id, files="after", within=run.limits.verify_within)[0].result
    task.run(confirm, run=run)
    return Result(host=task.host, changed=True, result=found)


def take_back(task: Task, run: Run, status: Status) -> Result:
    """Take back the transaction of ``run``; the result is a ``RolledBack``, or ``None`` where nothing had changed.

    Raises ``NornirSubTaskError``.
    """
    if status.state is State.STAGED:
        task.run(abandon, run=run)
        return Result(host=task.host, changed=True, result=None)
    within = run.limits.verify_within
    back: RolledBack = task.run(rollback, run_id=run.id, mode=Mode.REVERT, verify_within=within)[0].result
    return Result(host=task.host, changed=back.changed, result=back)
