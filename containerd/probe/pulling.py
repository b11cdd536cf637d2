"""How an image is pulled on a node the way of the node's own pulls, and where to look when it did not ask the cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from containerd.config import Sources, load_sources
from containerd.hosts import HostsRenderer, asked_at, directories_of, from_endpoints, host_dir, read_hosts
from containerd.model import ContainerdError, NodeFacts, Registry


@dataclass(frozen=True)
class Way:
    """With `crictl` it is a pull as kubelet makes them.

    Otherwise it is ctr's, which knows nothing of CRI's settings: by the hosts.toml files below `hosts_dir`, or where
    that is empty, by `hosts`, which has the text of one for each directory. `unproven` says what that leaves open.
    """

    crictl: str = ""
    hosts_dir: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    unproven: str = ""


def way_of(facts: NodeFacts, registries: Iterable[Registry], render: HostsRenderer) -> Way:
    """Return how a node pulls: with crictl where there is one, else with ctr, by what its configuration says.

    Raises NotToml, and Refused for files that the daemon does not start on and mirrors that no hosts.toml can say.
    """
    if facts.daemon.crictl:
        return Way(crictl=facts.daemon.crictl)
    sources = load_sources(facts.files, facts.daemon.version)
    complaint = facts.daemon.crictl_complaint
    by = f"CRI path unproven ({complaint or 'no crictl'}): ctr pulled, by"
    stale = "; containerd was not restarted since its files changed" if facts.restart_pending else ""
    if sources.roots:
        root = sources.roots[0]
        return Way(hosts_dir=root, unproven=f"{by} the files below {root}{stale}")
    hosts = {
        host_dir(each.name): render(from_endpoints(each.name, _mirror(sources, each)).hosts_toml) for each in registries
    }
    return Way(hosts=hosts, unproven=f"{by} a copy of the mirrors in {facts.config_file}{stale}")


def where_to_look(facts: NodeFacts, registry: Registry) -> str:
    """Return what on a node is to be looked at when its pull did not ask the cache.

    Its files may be other ones by now than those that containerd runs on: what is wrong with them is said then.
    """
    try:
        sources = load_sources(facts.files, facts.daemon.version)
    except ContainerdError as error:
        return str(error)
    wanted = registry.endpoints[0]
    if sources.roots:
        return _in_hosts_toml(facts, sources.roots[0], registry.name, wanted)
    endpoints = _mirror(sources, registry)
    if not endpoints:
        return f'{facts.config_file} has neither config_path nor mirrors."{registry.name}" in effect'
    named = "look at" if wanted in endpoints else f"{wanted} is not named by"
    return f'{named} mirrors."{registry.name if registry.name in sources.mirrors else "*"}" in {facts.config_file}'


def _in_hosts_toml(facts: NodeFacts, root: str, registry: str, wanted: str) -> str:
    version = facts.daemon.version
    directory = directories_of(facts.files, version).first(root, registry) or f"{root}/{host_dir(registry)}"
    path = f"{directory}/hosts.toml"
    text = facts.text(path)
    if text is None:
        return f"{path} is not there"
    reading = read_hosts(text, path, version)
    if reading.ignored:
        return f"containerd {version} ignores all of {path}: {reading.ignored}"
    if reading.asks(at := asked_at(wanted)):
        return f"look at {path}"
    if any(server.at == at for server in reading.asked):
        return f"look at the capabilities of {wanted} in {path}: without pull and resolve it is asked for no tag"
    if wanted in reading.skipped:
        return f'containerd {version} passes over {wanted} in {path}: write it as [host."{wanted}"]'
    return f"{path} does not name {wanted}"


def _mirror(sources: Sources, registry: Registry) -> tuple[str, ...]:
    """The endpoints that CRI asks for a registry: its own mirror's, be there none, or else the wildcard's."""
    return sources.mirrors.get(registry.name, sources.mirrors.get("*", ()))
