"""Put the staged files in place."""

from __future__ import annotations

from typing import Literal

from nornir.core.task import Result, Task

from containerd.plan import NodePlan
from tasks import scripts
from tasks.run import Run


def swap(task: Task, plan: NodePlan, run: Run, kind: Literal["hosts", "config"]) -> Result:
    """Rename the staged files of one ``kind`` over the live ones.

    The hosts.toml files go first: they are inert until config.toml names them. Raises ``StepFailed`` where one cannot
    be put in place; those before it are, and have to be rolled back.
    """
    if not task.is_dry_run():
        scripts.must(task.host, "swap", run.id, kind)
    return Result(host=task.host, changed=bool(plan.files), diff=plan.diff, result=plan)
