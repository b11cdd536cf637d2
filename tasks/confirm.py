"""Let the node keep what it has."""

from __future__ import annotations

from nornir.core.task import Result, Task

from fleet.ssh import remote_of
from tasks import scripts
from tasks.run import Run


def confirm(task: Task, run: Run) -> Result:
    """Over a new connection, mark the transaction confirmed and remove the copies that waited beside the live files.

    That the new connection comes up is part of the check. The result is the run. Raises ``Unreachable`` where it does
    not, ``StepFailed`` where the transaction was rolled back meanwhile.
    """
    if not task.is_dry_run():
        remote_of(task.host).reconnect()
        scripts.must(task.host, "confirm", run.id)
    return Result(host=task.host, result=run)
