"""Write a transaction on the node: the backup, the new files, the way back. Nothing that is live changes."""

from __future__ import annotations

import posixpath
import shlex

from nornir.core.task import Result, Task

from containerd.decide import NodePlan
from containerd.model import checksum, release_of
from fleet.ssh import remote_of
from tasks import scripts, wire
from tasks.facts import recorded
from tasks.run import Run
from templates import render

STAGED_SECONDS = 60
"""What staging and proving may take on the slowest node of a wave, beside the rest of the transaction."""


def stage(task: Task, plan: NodePlan, run: Run) -> Result:
    """Write the transaction of ``plan`` below /var/lib/containerd-fleet and copies beside the live files.

    What the node keeps of older transactions is pruned first, by the limits of ``run``.
    In a dry run nothing is written. Raises ``StepFailed`` where the live files are no longer those of the plan,
    another run owns the node, or something cannot be written; the node is then as before. ``Unreachable`` where the
    connection has died since the plan, and cannot be made again.
    """
    if not task.is_dry_run():
        # The plan may be hours old: an idle connection does not always live as long.
        remote_of(task.host).connect()
        limits = run.limits
        keep = (str(limits.keep_runs), str(limits.keep_days))
        owned = str(limits.revert_after + STAGED_SECONDS)
        scripts.must(task.host, "stage", run.id, owned, *keep, stdin=wire.encode(_files(plan, run)))
    return Result(host=task.host, changed=plan.acts, diff=plan.diff, result=plan)


def _files(plan: NodePlan, run: Run) -> dict[str, bytes]:
    owner = f"owner={shlex.quote(run.owner)}\nsince={shlex.quote(run.since)}\n"
    lines = [f"{f.kind}\t{f.before_sum}\t{checksum(f.after)}\t{f.path}\n" for f in plan.files]
    contents = {f"after/{number}": file.after.encode() for number, file in enumerate(plan.files, start=1)}
    return {
        "owner": owner.encode(),
        "facts": recorded(plan).encode(),
        "planned": "".join(lines).encode(),
        "rollback": _rollback_script(plan, run).encode(),
        "revert.service": _boot_unit(plan, run).encode(),
        **contents,
    }


def _rollback_script(plan: NodePlan, run: Run) -> str:
    daemon = plan.facts.daemon
    return render(
        "rollback.sh.j2",
        base=scripts.BASE,
        run=run.id,
        binary=daemon.binary,
        version=daemon.version_line,
        ctr=daemon.ctr,
        socket=daemon.socket,
        plugins=[f"{kind}/{name}" for kind, name in release_of(daemon.version).health],
        kubelet=daemon.kubelet,
    )


def _boot_unit(plan: NodePlan, run: Run) -> str:
    directories = sorted({posixpath.dirname(file.path) for file in plan.files})
    quoted = [f'"{directory}"' for directory in directories]
    return render("revert.service.j2", base=scripts.BASE, run=run.id, directories=quoted)
