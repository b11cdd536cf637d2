"""Which ports of a cache host the nodes use, and what a deploy must therefore leave as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from caches.plan import Act, HostPlan, is_cache
from caches.ports import Ports
from caches.present import HostFacts
from caches.spec import CacheSpec, Wanted
from containerd.hosts import WILDCARD, Endpoint

_STEP = 10


class Stake(IntEnum):
    """What nodes may lose by a deploy."""

    NOTHING = 0
    NEW_PORTS = 1
    """Caches on ports that no cache of ours has: a node may still ask there for another registry."""
    USED_PORTS = 2
    """Ports that a cache of ours has now, and will not have."""


@dataclass(frozen=True)
class NodeUses:
    """The endpoints of the nodes that answered, and why each of the others did not: these may use any port."""

    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)


def stake(facts: HostFacts, plan: HostPlan, wanted: Sequence[Wanted]) -> Stake:
    """Return what nodes may lose by ``plan``."""
    if any(_released(facts, it.spec) for it in wanted) or any(_removed(facts, plan)):
        return Stake.USED_PORTS
    new = any(it.spec.port not in _published(facts, it.spec.container) for it in wanted)
    return Stake.NEW_PORTS if new else Stake.NOTHING


@dataclass(frozen=True)
class HostUses:
    """What the nodes use of one cache host."""

    host: str
    ports: Ports
    nodes: NodeUses

    def that_lose(self, released: Iterable[int]) -> str:
        """Name who uses ports that serve nothing of theirs any more, or may use them; empty where nobody does."""
        return "; ".join((*_named(self._losing(released)), *self._silent()))

    def of_another(self, port: int) -> str:
        """Name who asks on a port for another registry than it will serve; empty where nobody does."""
        asking = [(node, it) for node, it in self._on({port}) if not self._served(it)]
        return "; ".join(_named((node, it) for node, it in asking if not self.ports.names_itself(it)))

    def way_on(self, released: Iterable[int]) -> str:
        """Return what frees ports."""
        names = {self.ports.registry(it.registry): it.path for _, it in self._losing(released)}
        known = {*self.ports.registries.values(), WILDCARD} & {*names}
        steps = ["python main.py rollout --all"] if known else []
        for name in sorted({*names} - known):
            steps.append(f"put {name} back into the table, or take {names[name]} away there")
        if self.nodes.silent:
            steps.append(f"let {', '.join(self.nodes.silent)} answer, or take what is gone for good out of hosts.yaml")
        return ", and ".join(steps)

    def taken(self) -> set[int]:
        """Return all ports that nodes name on this host."""
        return {it.port for each in self.nodes.endpoints.values() for it in each if self._here(it)}

    def _losing(self, released: Iterable[int]) -> list[tuple[str, Endpoint]]:
        return [(node, it) for node, it in self._on(set(released)) if not self._served(it)]

    def _served(self, endpoint: Endpoint) -> bool:
        return self.ports.serves(endpoint)

    def _on(self, ports: set[int]) -> list[tuple[str, Endpoint]]:
        everywhere = ((node, it) for node, each in self.nodes.endpoints.items() for it in each)
        return [(node, it) for node, it in everywhere if it.port in ports and self._here(it)]

    def _here(self, endpoint: Endpoint) -> bool:
        return self.host in self.ports.cache_hosts(endpoint)

    def _silent(self) -> Iterator[str]:
        for node, why in self.nodes.silent.items():
            yield f"{node} may use it ({why})"


def refusals(facts: HostFacts, plan: HostPlan, wanted: Sequence[Wanted], uses: HostUses) -> dict[str, str]:
    """Return which containers of a cache host a deploy must leave as they are, each with the reason.

    That is one whose port nodes use, or may use, and would lose; and one that would get a port where nodes ask for
    another registry. ``plan`` is what the deploy would do if there were no nodes.
    """
    specs = [it.spec for it in wanted]
    kept = {spec.container: _kept(facts, spec, uses, specs) for spec in specs}
    for container, released in _removed(facts, plan):
        if users := uses.that_lose(released):
            kept[container] = f"it is not removed: {users}; {uses.way_on(released)}, then repeat the command"
    return {container: why for container, why in kept.items() if why}


def _kept(facts: HostFacts, spec: CacheSpec, uses: HostUses, specs: Sequence[CacheSpec]) -> str:
    """Return why a cache of the table must not get the port that it is to have, or nothing."""
    now = sorted(_released(facts, spec))
    if spec.port not in _published(facts, spec.container) and (others := uses.of_another(spec.port)):
        free = _free(uses, facts, specs)
        stays = f"leave {spec.registry} on port {now[0]}, or give it" if now else "give it"
        return (
            f"port {spec.port} cannot be given to {spec.registry}: {others}; {stays} a free port such as {free}, "
            f"until no node uses {spec.port} and caches deploy --prune has removed what is there"
        )
    if now and (users := uses.that_lose(now)):
        beside = f"container: {spec.container}-{spec.port}, port: {spec.port}"
        return (
            f"port {', '.join(map(str, now))} cannot be taken from {spec.registry}: {users}; deploy the new cache "
            f"beside the old one: say {beside} in its row of the table, then python main.py caches deploy, "
            "python main.py rollout --all, python main.py caches deploy --prune"
        )
    return ""


def _named(uses: Iterable[tuple[str, Endpoint]]) -> Iterator[str]:
    """Say once for all nodes that have it in the same file what they ask for."""
    alike: dict[tuple[str, str, int], list[str]] = {}
    for node, it in uses:
        alike.setdefault((it.registry, it.path, it.port), []).append(node)
    for (registry, path, port), nodes in alike.items():
        who = ", ".join(dict.fromkeys(nodes))
        yield f"{who} {'use' if len(set(nodes)) > 1 else 'uses'} port {port} for {registry} ({path})"


def _published(facts: HostFacts, container: str) -> set[int]:
    existing = facts.container(container)
    return {port for _, port in existing.ports} if existing is not None and is_cache(existing) else set()


def _released(facts: HostFacts, spec: CacheSpec) -> set[int]:
    """The ports that a cache of the table has now, and will not have."""
    return _published(facts, spec.container) - {spec.port}


def _removed(facts: HostFacts, plan: HostPlan) -> Iterator[tuple[str, set[int]]]:
    """The containers that ``plan`` removes, with their ports."""
    for action in plan.actions:
        if action.act is Act.REMOVE and (released := _published(facts, action.container)):
            yield action.container, released


def _free(uses: HostUses, facts: HostFacts, specs: Sequence[CacheSpec]) -> int:
    """Return a port above all others that the table, the containers or the nodes have."""
    known = {spec.port for spec in specs} | {port for it in facts.containers for _, port in it.ports} | uses.taken()
    highest = max((port for port in known if port < 65000), default=5000)
    return highest - highest % _STEP + _STEP
