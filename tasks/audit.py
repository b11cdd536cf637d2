"""Everything that is to be said of one node. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nornir.core.task import Result, Task

from common import Finding, distinct
from containerd.config import Overview, overview
from containerd.decide import NodePlan, plan_node, through_proxies
from containerd.diagnose import bound_findings, daemon_findings, diagnose
from containerd.loader import Prediction, predict
from containerd.model import ContainerdError, Generation, NodeFacts, Policy, Refused
from tasks.caches.reachable import ask_all
from tasks.inspect import inspect
from tasks.reach import reach
from templates import render_hosts_toml


@dataclass(frozen=True)
class Audited:
    """One node as it is: what holds, what containerd makes of it, what a rollout would do, and what its caches say.

    ``plan`` is ``None`` where a rollout refuses; ``refusal`` says why, and ``findings`` has all that
    blocks. ``caches`` has an answer for each URL.
    """

    facts: NodeFacts
    overview: Overview
    predicted: Prediction
    findings: tuple[Finding, ...]
    plan: NodePlan | None
    refusal: str
    caches: Mapping[str, str]

    @property
    def drift(self) -> tuple[str, ...]:
        """The hosts.toml files of the table that are missing or say something else."""
        return tuple(file.path for file in self.plan.files if file.kind == "hosts") if self.plan else ()


def audit(task: Task, filed: Generation, policy: Policy) -> Result:
    """Return a result that holds what is to be said of the node, as ``Audited``. Raises as ``inspect`` does."""
    task.run(reach)
    facts: NodeFacts = task.run(inspect)[0].result
    version = facts.daemon.version
    plan: NodePlan | None = None
    refusal, blocking = "", tuple[Finding, ...]()
    try:
        plan = plan_node(facts, filed, policy, render_hosts_toml)
    except Refused as refused:
        refusal, blocking = str(refused), refused.as_findings(f"{facts.files.main}:1")
    except ContainerdError as error:
        refusal = str(error)
    audited = Audited(
        facts=facts,
        overview=overview(facts.files, version),
        predicted=predict(facts.files, version),
        findings=_findings(facts, policy, plan, blocking),
        plan=plan,
        refusal=refusal,
        caches=ask_all(task.host, [endpoint for registry in policy.registries for endpoint in registry.endpoints]),
    )
    return Result(host=task.host, result=audited)


def _findings(
    facts: NodeFacts, policy: Policy, plan: NodePlan | None, blocking: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    decided = plan.decision.findings if plan else ()
    around = (*daemon_findings(facts), *bound_findings(facts.bound), *through_proxies(facts, policy))
    return distinct((*blocking, *around, *decided, *diagnose(facts.files, facts.daemon.version)))
