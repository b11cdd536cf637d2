"""Ask the node whether CRI is well, and whether the files that containerd was started on are the right ones."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nornir.core.task import Result, Task

from containerd.config import effective_registry, registry_mismatch
from containerd.decide import NodePlan
from containerd.model import CriHealth, crictl_failure, parse_version
from containerd.probe import lost_shims
from tasks import scripts, wire
from tasks.errors import StepFailed
from tasks.inspect import health
from tasks.run import Run

CHECK_SECONDS = 20
LOCK_SECONDS = 25.0
"""What the script may take beside its waiting: another script may hold the lock for as long."""


@dataclass(frozen=True)
class Verified:
    """A healthy node. ``lost`` has NAMESPACE/ID of every container whose shim was lost in the restart."""

    cri: CriHealth
    lost: tuple[str, ...] = ()


def verify(task: Task, plan: NodePlan, run: Run) -> Result:
    """Ask whether all is as planned: CRI's plugins, crictl, kubelet, the files and what containerd makes of them.

    Kubelet and crictl count where they worked before. Changes nothing but the transaction's state, and not even that
    once it is confirmed. Returns a ``Verified``; raises ``StepFailed`` with the reason, and ``Interrupted``. Lost shims
    raise nothing. In a dry run nothing is asked.
    """
    if task.is_dry_run():
        return Result(host=task.host, result=Verified(plan.facts.cri))
    within = run.limits.verify_within
    arguments = (run.id, str(within), "after")
    answer = scripts.must(
        task.host, "verify", *arguments, timeout=within + LOCK_SECONDS, cancelled=lambda: run.stop.urgent
    )
    seen = wire.decode(answer)
    cri = _healthy(seen)
    _check_files(seen, "is not what was put there: somebody changed it since")
    difference = registry_mismatch(
        effective_registry(wire.text(seen, "dump"), plan.facts.daemon.version), plan.decision, plan.policy
    )
    if difference:
        raise StepFailed(f"CRI is ok, but containerd does not run what was planned: {difference}")
    _check_around(seen)
    return Result(host=task.host, result=Verified(cri, _lost(seen)))


def check(task: Task, run_id: str, files: Literal["before", "after"], within: int = CHECK_SECONDS) -> Result:
    """Ask the same of a node without its plan: are the files those from before ``run_id``, or after, and is all well?

    Files from before are compared by content, owner and mode. What to ask is taken from the transaction on the node;
    ``within`` is in seconds. Changes nothing live. Returns a ``Verified``; raises ``StepFailed`` with the reason.
    """
    seen = wire.decode(scripts.must(task.host, "verify", run_id, str(within), files, timeout=within + LOCK_SECONDS))
    cri = _healthy(seen)
    _check_files(seen, "is not as it was before the run" if files == "before" else "is not what the run put there")
    _check_around(seen)
    return Result(host=task.host, result=Verified(cri, _lost(seen)))


def _healthy(seen: Mapping[str, bytes]) -> CriHealth:
    cri = health(seen, parse_version(_facts(seen)["version"]))
    if cri.state != "ok":
        raise StepFailed(f"CRI is {cri.state}: {cri.detail}")
    return cri


def _check_files(seen: Mapping[str, bytes], reason: str) -> None:
    changed = wire.text(seen, "changed").splitlines()
    if changed:
        raise StepFailed(f"CRI is ok, but {changed[0]} {reason}")


def _check_around(seen: Mapping[str, bytes]) -> None:
    if "again" in seen:
        raise StepFailed(
            "CRI is ok, but this is not the containerd that the run started: it died, or somebody restarted it; "
            "see journalctl -u containerd there"
        )
    if "crictl_exit" in seen:
        answers = (wire.text(seen, name) for name in ("crictl_exit", "crictl", "crictl_complaint"))
        if said := crictl_failure(*answers):
            raise StepFailed(f"CRI's plugins are ok, but crictl info says: {said}")
    kubelet = wire.text(seen, "kubelet")
    if _facts(seen)["kubelet"] and kubelet != "active":
        raise StepFailed(f"kubelet ran before and does not now ({kubelet}); see journalctl -u kubelet there")


def _lost(seen: Mapping[str, bytes]) -> tuple[str, ...]:
    return lost_shims(wire.message(seen, "gone"), wire.message(seen, "shim_log"))


def _facts(seen: Mapping[str, bytes]) -> dict[str, str]:
    """What ``tasks.facts`` wrote on the node."""
    return dict(word.split("=", 1) for word in shlex.split(wire.text(seen, "facts")))
