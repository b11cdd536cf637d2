"""Are the caches healthy, does every node reach them, and does it ask each for its own registry? Reads only."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from nornir.core import Nornir
from nornir.core.task import Result, Task

from caches.address import address_findings
from caches.advice import advice, host_advice
from caches.health import Health, host_findings
from caches.spec import Wanted
from common import Finding, Severity
from fleet.inventory import Fleet
from fleet.report import Exit, NodeReport, heaviest
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from runbooks.caches.nodes import findings_of_all
from runbooks.outcomes import failure
from tasks.caches.reachable import ANSWERS, reachable
from tasks.caches.verify import Verified, verify
from templates import render_cache_config

HEADINGS = (
    "host", "cache", "state", "upstream", "repositories", "disk/inodes", "restarts", "collected", "scheduler", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class HostHealth:
    """The caches of one host, how its address stands, and what is wrong with the host itself."""

    address: str
    caches: tuple[Health, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class CachesHealth:
    """All cache hosts; ``trouble`` has the machines that could not be asked.

    ``nodes`` has what is wrong with the endpoints of each node that was read.
    """

    hosts: Mapping[str, HostHealth]
    trouble: Mapping[str, NodeReport] = field(default_factory=dict)
    interrupted: bool = False
    nodes: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def exit_code(self) -> Exit:
        """5 where something is wrong, 4 where a machine did not answer."""
        findings = [*(host.findings for host in self.hosts.values()), *self.nodes.values()]
        errors = [it for each in findings for it in each if it.severity is Severity.ERROR]
        well = not errors and all(cache.well for host in self.hosts.values() for cache in host.caches)
        weights = {report.weight for report in self.trouble.values()}
        # What is known to be wrong wins over what could not be asked.
        known = {Exit.PENDING} | (weights & {Exit.NOT_VERIFIED})
        return heaviest(weights if well else known, interrupted=self.interrupted)

    def as_json(self) -> str:
        """Return it as one JSON document, without the scheduler's state."""
        hosts = {name: _host(host) for name, host in self.hosts.items()}
        trouble = {name: {"outcome": it.outcome.value, "reason": it.reason} for name, it in self.trouble.items()}
        nodes = {name: [asdict(it) for it in found] for name, found in self.nodes.items()}
        told = {"exit": int(self.exit_code), "hosts": hosts, "trouble": trouble, "nodes": nodes}
        return json.dumps(told, indent=2)

    def show(self, screen: Screen) -> None:
        """Print it as one table for people, with what is wrong below it."""
        rows = [(name, *_row(cache)) for name, host in self.hosts.items() for cache in host.caches]
        screen.rows("Caches", HEADINGS, rows)
        for name, host in self.hosts.items():
            screen.say(f"{name}: its address is {host.address}")
            for finding in (*host.findings, *(it for cache in host.caches for it in cache.findings)):
                screen.say(f"{name}: {finding}")
        for name, findings in self.nodes.items():
            for finding in findings:
                screen.say(f"{name}: {finding}")
        for name, report in self.trouble.items():
            screen.say(f"{name}: {report.reason}")
        screen.say(f"(exit code {int(self.exit_code)})")


def verify_caches(fleet: Fleet, screen: Screen, *, allow_dhcp: bool = False) -> CachesHealth:
    """Look at every cache host, ask every cache from every node, and compare what the nodes ask with the table.

    No password is needed for it.
    """
    stop = Stop(screen.progress, reads=True)
    names = [*fleet.cache_hosts, *(name for name in fleet.nodes if name not in fleet.cache_hosts)]
    with nornir_for(fleet, names, ProgressProcessor(screen), stop) as nornir, stop.listening():
        screen.progress(f"verifying {len(fleet.cache_hosts)} cache hosts, and {len(fleet.nodes)} nodes")
        health = look(fleet, nornir, tuple(fleet.nodes), allow_dhcp=allow_dhcp)
        reached = [name for name in fleet.nodes if name not in health.trouble]
        return replace(health, nodes=findings_of_all(fleet, nornir, reached), interrupted=stop.asked)


def look(fleet: Fleet, nornir: Nornir, nodes: Sequence[str], *, allow_dhcp: bool) -> CachesHealth:
    """Do it with ``nornir``, which has the cache hosts and ``nodes``: from these every cache is asked."""
    wanted = tuple(Wanted(it, render_cache_config(it)) for it in fleet.caches.specs)
    hosts, trouble = _hosts(fleet, nornir, wanted, allow_dhcp=allow_dhcp)
    silent, deaf = _from_nodes(fleet, nornir, nodes)
    healths = {name: _with_nodes(host, fleet, name, silent) for name, host in hosts.items()}
    return CachesHealth(healths, trouble | deaf)


def _hosts(
    fleet: Fleet, nornir: Nornir, wanted: tuple[Wanted, ...], *, allow_dhcp: bool
) -> tuple[dict[str, HostHealth], dict[str, NodeReport]]:
    def verify_one(task: Task) -> Result:
        return verify(task, wanted, fleet.caches.upkeep, _numeric(fleet.address(task.host.name)))

    hosts, trouble = {}, {}
    for name, result in only(nornir, fleet.cache_hosts).run(verify_one, name="verify", on_failed=True).items():
        if result.failed:
            trouble[name] = failure(result)
            continue
        found: Verified = result[0].result
        about = address_findings(found.address, found.addressing, allow_dhcp=allow_dhcp)
        upkeep = host_findings(found.plan) if found.facts.docker else ()
        findings = (*about, *host_advice(found.facts), *upkeep, *advice([it.spec for it in wanted]))
        hosts[name] = HostHealth(f"{found.address.address}: {found.address.word}", found.caches, findings)
    return hosts, trouble


def _from_nodes(
    fleet: Fleet, nornir: Nornir, nodes: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, NodeReport]]:
    """Return which endpoints did not answer which nodes, and the nodes that could not be asked."""
    endpoints = [endpoint for registry in fleet.registries for endpoint in registry.endpoints]
    silent: dict[str, dict[str, str]] = {endpoint: {} for endpoint in endpoints}
    deaf = {}

    def ask(task: Task) -> Result:
        return reachable(task, endpoints)

    for name, result in only(nornir, nodes).run(ask, name="reachable", on_failed=True).items():
        if result.failed:
            deaf[name] = failure(result)
            continue
        for endpoint, answer in result[0].result.items():
            if answer != ANSWERS:
                silent[endpoint][name] = answer
    return silent, deaf


def _with_nodes(host: HostHealth, fleet: Fleet, name: str, silent: Mapping[str, Mapping[str, str]]) -> HostHealth:
    ports = {spec.container: spec.port for spec in fleet.caches.specs}
    caches = (replace(it, unreachable=silent[fleet.endpoint(name, ports[it.container])]) for it in host.caches)
    return replace(host, caches=tuple(caches))


def _numeric(address: str) -> str:
    """Return the IPv4 address behind a name, or the name where it has none."""
    try:
        return str(socket.getaddrinfo(address, None, socket.AF_INET)[0][4][0])
    except (OSError, UnicodeError):
        return address


def _row(cache: Health) -> tuple[str, ...]:
    seen = cache.seen
    return (
        cache.container,
        "well" if cache.well else cache.status if cache.status != "running" else "wrong",
        cache.upstream,
        "?" if seen.catalog is None else str(seen.catalog),
        f"{_percent(seen.disk)}/{_percent(seen.inodes)}",
        str(cache.restarts),
        f"{'' if seen.collected in ('', 'ok') else 'failed '}{_ago(seen.collected_age, 'never')}",
        _ago(seen.state_age, "none"),
        "; ".join(_reasons(cache)),
    )


def _percent(used: int | None) -> str:
    return "?" if used is None else f"{used} %"


def _ago(seconds: int | None, unknown: str) -> str:
    if seconds is None:
        return unknown
    size, unit = next((it for it in ((86400, "days"), (3600, "hours"), (60, "min")) if seconds >= it[0]), (1, "s"))
    return f"{seconds // size} {unit} ago"


def _reasons(cache: Health) -> Iterator[str]:
    for finding in cache.findings:
        if finding.severity is Severity.ERROR:
            yield finding.message
    by_answer: dict[str, list[str]] = {}
    for node, answer in cache.unreachable.items():
        by_answer.setdefault(answer, []).append(node)
    for answer, nodes in by_answer.items():
        yield f"{answer} from {', '.join(nodes)}"


def _host(host: HostHealth) -> dict[str, object]:
    caches = {}
    for cache in host.caches:
        told = asdict(cache) | {"well": cache.well, "unreachable": dict(cache.unreachable)}
        told["seen"].pop("state")
        caches[told.pop("container")] = told
    return {"address": host.address, "caches": caches, "findings": [asdict(it) for it in host.findings]}
