"""From now on the node goes back by itself, unless it is confirmed."""

from __future__ import annotations

from nornir.core.task import Result, Task

from tasks import scripts
from tasks.run import Run


def arm(task: Task, run: Run) -> Result:
    """Start the revert timer of ``run``, and enable the unit that acts at the next boot; the result is the run.

    The delay is ``run.limits.revert_after``. The transaction becomes the node's newest. Raises ``StepFailed`` where
    one of the two cannot be had; what was begun is then undone by ``rollback``.
    """
    if not task.is_dry_run():
        scripts.must(task.host, "arm", run.id, str(run.limits.revert_after))
    return Result(host=task.host, result=run)
