"""Ask the node whether CRI is well, and whether the files that containerd was started on say what was planned."""

from __future__ import annotations

from nornir.core.task import Result, Task

from containerd.effective import effective_registry, mismatch
from containerd.plan import NodePlan
from containerd.plugins import CriHealth, required_plugins
from tasks import scripts, wire
from tasks.errors import StepFailed
from tasks.inspect import health
from tasks.run import Run

CRI_SECONDS = 20


def verify(task: Task, plan: NodePlan, run: Run) -> Result:
    """Check CRI's plugins, the effective configuration (imports and all) and kubelet; return the ``CriHealth``.

    Changes nothing but the transaction's state. Raises ``StepFailed`` with the reason where anything is not as
    planned. In a dry run nothing is asked.
    """
    if task.is_dry_run():
        return Result(host=task.host, result=plan.facts.cri)
    daemon = plan.facts.daemon
    plugins = [f"{kind}/{name}" for kind, name in required_plugins(daemon.version.generation)]
    arguments = (run.id, daemon.ctr, daemon.socket, daemon.binary, plan.facts.config_file, str(CRI_SECONDS))
    seen = wire.decode(scripts.must(task.host, "verify", *arguments, *plugins, timeout=CRI_SECONDS * 2 + 30))
    return Result(host=task.host, result=_judge(plan, seen))


def _judge(plan: NodePlan, seen: dict[str, bytes]) -> CriHealth:
    version = plan.facts.daemon.version
    cri = health(seen, version)
    if cri.state != "ok":
        raise StepFailed(f"CRI is {cri.state}: {cri.detail}")
    changed = wire.text(seen, "changed").splitlines()
    if changed:
        raise StepFailed(f"CRI is ok, but {changed[0]} is not what was put there: somebody changed it since")
    difference = mismatch(effective_registry(wire.text(seen, "dump"), version), plan.decision, plan.policy)
    if difference:
        raise StepFailed(f"CRI is ok, but containerd does not run what was planned: {difference}")
    if plan.facts.daemon.kubelet and wire.text(seen, "kubelet") != "active":
        raise StepFailed("kubelet ran before and does not now; see journalctl -u kubelet there")
    return cri
