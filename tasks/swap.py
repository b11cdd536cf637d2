"""Put the staged files in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nornir.core.task import Result, Task

from containerd.decide import NodePlan
from tasks import scripts, wire
from tasks.run import Run


@dataclass(frozen=True)
class Swapped:
    """The files that were put in place, each with its sha256 as it then was on the node."""

    sums: Mapping[str, str]


def swap(task: Task, plan: NodePlan, run: Run, kind: Literal["hosts", "config"]) -> Result:
    """Rename the staged files of one ``kind`` over the live ones; return a ``Swapped``.

    The hosts.toml files go first: they are inert until config.toml names them. Raises ``StepFailed`` where one cannot
    be put in place; those before it are, and have to be rolled back.
    """
    if task.is_dry_run():
        return Result(host=task.host, changed=bool(plan.files), diff=plan.diff, result=Swapped({}))
    told = wire.decode(scripts.must(task.host, "swap", run.id, kind))
    sums = {path: wire.text(told, path) for path in told}
    return Result(host=task.host, changed=True, diff=plan.diff, result=Swapped(sums))
