"""Read one node and decide what a rollout does on it. Changes nothing."""

from __future__ import annotations

from nornir.core.task import Result, Task

from containerd.decide import NO_CONSENT, Consent, plan_node
from containerd.model import Generation, Policy
from tasks.errors import NodeNotReady
from tasks.inspect import inspect
from tasks.prove import probe
from tasks.reach import reach
from templates import render_hosts_toml


def plan(
    task: Task, filed: Generation, policy: Policy, consent: Consent = NO_CONSENT, *, without_proof: bool = False
) -> Result:
    """Return a result that holds the ``NodePlan`` of a node that the inventory files under ``filed``.

    ``changed`` and ``diff`` say what a rollout would do. Raises ``Unreachable``, or why the node cannot be planned for;
    that is also where it cannot prove the new files, unless the run is to go ``without_proof``.
    """
    task.run(reach)
    facts = task.run(inspect)[0].result
    made = plan_node(facts, filed, policy, render_hosts_toml, consent)
    if made.restart and not without_proof and (why := probe(task.host)):
        raise NodeNotReady(f"the new files cannot be tried before the restart: {why}; --without-proof goes on")
    return Result(host=task.host, changed=made.acts, diff=made.diff, result=made)
