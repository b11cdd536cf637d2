"""Restart containerd."""

from __future__ import annotations

from nornir.core.task import Result, Task

from tasks import scripts
from tasks.run import Run

RESTART_SECONDS = 110.0


def restart(task: Task, run: Run) -> Result:
    """Restart containerd within the transaction of ``run``, which is the result. That it starts says nothing of CRI.

    Raises ``StepFailed`` with containerd's own words where it does not start.
    """
    if not task.is_dry_run():
        scripts.must(task.host, "restart", run.id, timeout=RESTART_SECONDS)
    return Result(host=task.host, changed=True, result=run)
