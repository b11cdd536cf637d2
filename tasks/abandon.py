"""Take back a transaction that was staged and never armed."""

from __future__ import annotations

from nornir.core.task import Result, Task

from tasks import scripts
from tasks.run import Run


def abandon(task: Task, run: Run) -> Result:
    """Remove what ``stage`` wrote, beside the live files too; the result is the run. Nothing live has changed.

    Raises ``StepFailed`` where the transaction is armed, or further.
    """
    if not task.is_dry_run():
        scripts.must(task.host, "abandon", run.id)
    return Result(host=task.host, result=run)
