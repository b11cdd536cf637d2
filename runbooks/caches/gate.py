"""The gate: no node is touched unless each cache that it uses is healthy, the right one, and answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nornir.core import Nornir

from caches.health import Health
from caches.ports import port_findings
from common import Severity
from containerd.decide import NodePlan
from fleet.inventory import Fleet
from fleet.report import Gate
from runbooks.caches.nodes import lines, ports_for
from runbooks.caches.verify import CachesHealth, HostHealth, look

NOT_ASKED = Gate("the caches were not asked (--without-gate)")
WAY_OUT = "put it right and repeat the command, or add --without-gate"


def ask(fleet: Fleet, nornir: Nornir, nodes: Sequence[str], *, allow_dhcp: bool, wrong: tuple[str, ...] = ()) -> Gate:
    """Ask the cache hosts of ``nornir`` how they are, and ``nodes`` whether they reach every cache. Reads only.

    ``wrong`` has what ``wrong_images`` returns for the run.
    """
    return judge(fleet, look(fleet, nornir, nodes, allow_dhcp=allow_dhcp), nodes, wrong)


def wrong_images(fleet: Fleet, plans: Mapping[str, NodePlan]) -> tuple[str, ...]:
    """Return a line for each endpoint that belongs to another registry, and does so still after the run.

    What the run puts right is none, nor is a wildcard on the cache of docker.io. Nodes that do not change count too.
    """
    ports = ports_for(fleet)
    return lines(
        {name: port_findings(plan.after, plan.facts.daemon.version, ports, name) for name, plan in plans.items()}
    )


def judge(fleet: Fleet, health: CachesHealth, nodes: Sequence[str], wrong: tuple[str, ...] = ()) -> Gate:
    """Return what the gate says to a run on ``nodes``, one line for each cache, host or node that is not as it must be.

    It takes what `caches verify` takes for wrong, except on the host itself: there only the address counts, since a
    pull does not need cron.
    """
    asked = {*health.hosts, *health.trouble}
    refused = [
        *wrong,
        *(f"{name} was not asked" for name in fleet.cache_hosts if name not in asked),
        *(f"{name} could not be asked: {report.reason}" for name, report in health.trouble.items()),
        *(line for name, host in health.hosts.items() for line in _of_host(fleet, name, host)),
    ]
    caches = sum(len(host.caches) for host in health.hosts.values())
    well = f"{caches} caches are well, and answer {', '.join(nodes)}"
    return Gate("refused, nothing starts", tuple(refused)) if refused else Gate(well)


def reason(gate: Gate) -> str:
    """Return why a node stays untouched, in one line."""
    first, *others = gate.refused
    more = f" (and {len(others)} more)" if others else ""
    return f"the gate refused: {first}{more}; {WAY_OUT}"


def _of_host(fleet: Fleet, name: str, host: HostHealth) -> Iterator[str]:
    for finding in host.findings:
        if finding.severity is Severity.ERROR and finding.code.startswith("address-"):
            yield f"{name}: {finding.message}; {finding.fix}"
    ports = {spec.container: spec.port for spec in fleet.caches.specs}
    for cache in host.caches:
        if line := _of_cache(cache, fleet.endpoint(name, ports[cache.container])):
            yield f"{cache.container} on {name}: {line}"


def _of_cache(cache: Health, endpoint: str) -> str:
    """The first thing that is wrong with a cache: what follows is mostly its consequence."""
    errors = [finding for finding in cache.findings if finding.severity is Severity.ERROR]
    if errors:
        return f"{errors[0].message}; {errors[0].fix}"
    if cache.unreachable:
        answer = next(iter(cache.unreachable.values()))
        them = "it" if len(cache.unreachable) == 1 else "them"
        return f"{answer} from {', '.join(cache.unreachable)}; let {them} reach {endpoint}"
    return ""
