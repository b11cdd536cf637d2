"""What the nodes ask of the cache hosts, compared with the registry table."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from nornir.core import Nornir
from nornir.core.task import Result, Task

from caches.ports import Ports, port_findings, ports_of
from caches.uses import NodeUses
from common import Finding, Severity
from containerd.decide import plan_node
from containerd.hosts import Endpoint, endpoints_of
from containerd.model import ContainerdError, NodeFacts
from fleet.errors import ConnectionLost, Unreachable
from fleet.inventory import Fleet
from fleet.report import NodeReport
from fleet.results import cause
from fleet.runner import FleetRunner
from fleet.session import AT_ONCE, only
from fleet.stop import Stop
from runbooks.outcomes import failure
from tasks.inspect import inspect
from tasks.reach import reach
from templates import render_hosts_toml


def ports_for(fleet: Fleet) -> Ports:
    """Return the ports of the table, on all names and addresses by which the inventory knows the cache hosts.

    Names are resolved here, on the controller.
    """
    return ports_of(fleet.caches.specs, {name: _names(fleet, name) for name in fleet.cache_hosts})


def findings_of(fleet: Fleet, name: str, facts: NodeFacts, ports: Ports) -> tuple[Finding, ...]:
    """Return what is wrong with the endpoints of the node ``name``, each with a fix that works there."""
    node = fleet.nodes[name]
    try:
        after = plan_node(facts, node.generation, fleet.policy(name), render_hosts_toml).after
    except ContainerdError:
        after = None
    return port_findings(facts.files, facts.daemon.version, ports, name, after)


def read_node(task: Task) -> Result:
    """Return a result that holds the ``NodeFacts`` of a node. Raises as ``reach`` and ``inspect`` do."""
    task.run(reach)
    return Result(host=task.host, result=task.run(inspect)[0].result)


def findings_of_all(fleet: Fleet, nornir: Nornir, names: Sequence[str]) -> dict[str, tuple[Finding, ...]]:
    """Read the nodes ``names``; return what is wrong with the endpoints of each, also that they are not known.

    A node that cannot be reached is left out.
    """
    ports, findings = ports_for(fleet), {}
    for name, result in only(nornir, names).run(read_node, name="endpoints", on_failed=True).items():
        if not result.failed:
            findings[name] = findings_of(fleet, name, result[0].result, ports)
        elif not isinstance(cause(result), (Unreachable, ConnectionLost)):
            findings[name] = (_unknown(name, failure(result)),)
    return findings


def uses_of_all(fleet: Fleet, nornir: Nornir, seconds: float, stop: Stop) -> NodeUses:
    """Read every node of the inventory, each within ``seconds``; return which endpoints they name, and who is silent.

    A node whose configuration cannot be read is silent, too: its daemon may run on an earlier one.
    """
    endpoints: dict[str, tuple[Endpoint, ...]] = {}
    silent = dict.fromkeys(fleet.nodes, "interrupted before it was read")
    runner = FleetRunner(min(len(fleet.nodes), AT_ONCE) or 1, stop, node_seconds=seconds)
    failed = set(nornir.data.failed_hosts)
    results = only(nornir, fleet.nodes).with_runner(runner).run(read_node, name="endpoints", on_failed=True)
    # A cache host that is a node, too, still gets its caches.
    nornir.data.failed_hosts = failed
    for name, result in results.items():
        if result.failed:
            silent[name] = failure(result).reason
            continue
        facts: NodeFacts = result[0].result
        found = endpoints_of(facts.files, facts.daemon.version)
        endpoints[name] = found.named
        if found.unreadable:
            silent[name] = f"{', '.join(found.unreadable)} cannot be read"
        else:
            silent.pop(name)
    return NodeUses(endpoints, silent)


def lines(findings: Mapping[str, Sequence[Finding]]) -> tuple[str, ...]:
    """Return the errors among ``findings``, a line for each: the node, the file, what is wrong, the fix."""
    return tuple(
        f"{name}: {it.message} ({it.where}); {it.fix}"
        for name, each in findings.items()
        for it in each
        if it.severity is Severity.ERROR
    )


def _names(fleet: Fleet, cache_host: str) -> set[str]:
    known = {fleet.address(cache_host), str(fleet.inventory.hosts[cache_host].hostname)}
    return {cache_host, *known, *(address for name in known for address in _resolved(name))}


def _resolved(name: str) -> set[str]:
    try:
        return {str(place[4][0]) for place in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


def _unknown(name: str, report: NodeReport) -> Finding:
    message = f"which caches it asks is not known: {report.reason}"
    return Finding("endpoints-unknown", Severity.WARNING, name, message, "see python main.py audit")
