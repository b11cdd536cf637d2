"""Restart containerd."""

from __future__ import annotations

from nornir.core.task import Result, Task

from tasks import scripts
from tasks.errors import StepFailed
from tasks.run import Run

OTHER_SECONDS = 35.0
"""What the script may take beside the restart: waiting for the lock, and looking into the journal."""


def restart(task: Task, run: Run) -> Result:
    """Restart containerd within the transaction of ``run``, which is the result. That it starts says nothing of CRI.

    The shims that run are recorded first, so that ``verify`` can tell which were lost. Raises ``StepFailed`` with
    containerd's own words where it does not start within its time, and ``Interrupted``.
    """
    if not task.is_dry_run():
        within = run.limits.restart_within
        arguments = ("restart", run.id, str(within))
        done = scripts.run(task.host, *arguments, timeout=within + OTHER_SECONDS, cancelled=lambda: run.stop.urgent)
        if done.exit_code != 0:
            raise StepFailed(f"restart: {done.complaint}")
    return Result(host=task.host, changed=True, result=run)
