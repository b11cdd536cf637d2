"""Which registry each port of the cache hosts belongs to, and what is wrong with a node that names one for another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from shlex import quote

from caches.spec import CacheSpec
from common import DOCKER_NAMES, Finding, Severity
from containerd.hosts import WILDCARD, Endpoint, endpoints_of, host_and_port
from containerd.model import FileSet, Version

DOCKER = DOCKER_NAMES[0]
WRONG, UNKNOWN, DEPRECATED = "wrong-cache", "no-cache", "wildcard-cache"
_HTTPS = 443
_OTHERS = "every registry that has no mirror of its own"


@dataclass(frozen=True)
class Ports:
    """The ports of the registry table, on every cache host.

    ``hosts`` has the cache hosts behind each of their names and addresses, ``registries`` the registry of each port,
    ``names`` the registry of the table behind each name that its images may have.
    """

    hosts: Mapping[str, tuple[str, ...]]
    registries: Mapping[int, str]
    names: Mapping[str, str]

    def cache_hosts(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Return the cache hosts that are asked; more than one where they share an address."""
        return self.hosts.get(canonical(endpoint.host), ())

    def registry(self, name: str) -> str:
        """Return the registry of the table that images named by ``name`` are of; ``name`` where there is none."""
        return self.names.get(name.lower(), name)

    def port(self, registry: str) -> int | None:
        """Return the port that a registry has in the table."""
        return next((port for port, owner in self.registries.items() if owner == registry), None)

    def names_itself(self, endpoint: Endpoint) -> bool:
        """Return whether images are named by the endpoint, as in ``10.0.20.10:5000/some/image``: they are its own."""
        place = host_and_port(endpoint.registry)
        return place is not None and (canonical(place[0]), place[1]) == (canonical(endpoint.host), endpoint.port)

    def serves(self, endpoint: Endpoint) -> bool:
        """Return whether the endpoint's port belongs to the registry that it is asked for.

        A wildcard is for docker.io, which it was made for.
        """
        wanted = DOCKER if endpoint.registry == WILDCARD else self.registry(endpoint.registry)
        return self.registries.get(endpoint.port) == wanted


def ports_of(specs: Sequence[CacheSpec], hosts: Mapping[str, Collection[str]]) -> Ports:
    """Return the ports of the caches ``specs``; ``hosts`` has all names and addresses of each cache host."""
    names = dict.fromkeys(DOCKER_NAMES, DOCKER)
    known: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        names |= dict.fromkeys(_names(spec), spec.registry)
    for host, its in hosts.items():
        for name in dict.fromkeys(map(canonical, its)):
            known[name] = (*known.get(name, ()), host)
    return Ports(known, {spec.port: spec.registry for spec in specs}, names)


def _names(spec: CacheSpec) -> Iterator[str]:
    """What images of a registry may be named by: its name, or the server behind it, with or without the usual port."""
    for url in (f"https://{spec.registry}", spec.upstream):
        if place := host_and_port(url):
            host = f"[{place[0]}]" if ":" in place[0] else place[0]
            yield f"{host}:{place[1]}"
            if place[1] == _HTTPS:
                yield host


def canonical(host: str) -> str:
    """Return a name in lower case, or an address in its one spelling."""
    host = host.lower().strip("[]").rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def port_findings(
    files: FileSet, version: Version, ports: Ports, node: str, after: FileSet | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with the endpoints that ``node`` names on our cache hosts.

    An error pulls images of one registry from the cache of another, or from a port that no registry of the table has.
    ``after`` are the files that a rollout leaves there: it says whether a rollout is the fix.
    """
    stays = {_key(it) for it in endpoints_of(after, version).named} if after is not None else None
    named = endpoints_of(files, version).named
    return tuple(_findings(named, ports, node, stays))


def wrong(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those of ``findings`` that are errors about endpoints on our cache hosts."""
    return tuple(it for it in findings if it.code in (WRONG, UNKNOWN) and it.severity is Severity.ERROR)


def _key(endpoint: Endpoint) -> tuple[str, str, int, str]:
    """An endpoint without its line, which an edit above it moves."""
    return endpoint.registry, endpoint.host, endpoint.port, endpoint.path


def _findings(
    named: Iterable[Endpoint], ports: Ports, node: str, stays: Collection[tuple[str, str, int, str]] | None
) -> Iterator[Finding]:
    for endpoint in named:
        if not ports.cache_hosts(endpoint) or ports.names_itself(endpoint):
            continue
        cured = stays is not None and _key(endpoint) not in stays
        if not ports.serves(endpoint):
            yield _wrong(endpoint, ports, node, cured=cured)
        elif endpoint.registry == WILDCARD:
            message = f"{endpoint.url} is asked for images of {_OTHERS}, and has those of {DOCKER}"
            fix = _fix(endpoint, ports, node, cured=cured)
            yield Finding(DEPRECATED, Severity.WARNING, endpoint.place, message, fix)


def _wrong(endpoint: Endpoint, ports: Ports, node: str, *, cured: bool) -> Finding:
    whose = _OTHERS if endpoint.registry == WILDCARD else endpoint.registry
    owner, asked = ports.registries.get(endpoint.port), f"{endpoint.url} is asked for images of {whose}"
    code = UNKNOWN if owner is None else WRONG
    serves = f"no registry of the table has port {endpoint.port}" if owner is None else f"it serves those of {owner}"
    fix = _fix(endpoint, ports, node, cured=cured)
    return Finding(code, Severity.ERROR, endpoint.place, f"{asked}, but {serves}", fix)


def _fix(endpoint: Endpoint, ports: Ports, node: str, *, cured: bool) -> str:
    if cured:
        return f"python main.py canary --host {node}"
    path, right = endpoint.path, ports.port(ports.registry(endpoint.registry))
    if not path.endswith("/hosts.toml"):
        return f'on {node}: take it out of mirrors."{endpoint.registry}" in {path}, then systemctl restart containerd'
    if right is not None:
        return f"on {node}: change port {endpoint.port} to {right} in {path}"
    return f"on {node}: rm {quote(path)} (what it is for is then pulled from its upstream)"
