"""What a daemon runs with, from its own dump of the configuration, and whether that is what was planned."""

from __future__ import annotations

from dataclasses import dataclass

from containerd.errors import Refused
from containerd.policy import Decision, Policy
from containerd.secrets import mask_urls
from containerd.statements import parse
from containerd.strategy import Strategy
from containerd.tables import NEW, OLD, config_path_of, mirrors_of, table_at
from containerd.versions import Generation, Version

DEFAULT_ADDRESS = "/run/containerd/containerd.sock"


@dataclass(frozen=True)
class EffectiveRegistry:
    """The registry settings that hold: config_path is empty when unset, mirrors are sorted by name."""

    config_path: str
    mirrors: tuple[tuple[str, tuple[str, ...]], ...]


def effective_registry(dump: str, version: Version) -> EffectiveRegistry:
    """Read the output of `containerd config dump`, which has the imports merged in. Raises NotToml and Refused.

    1.x prints a version 2 file with the old plugin id, 2.x a version 3 or 4 file with the new one.
    """
    data = parse(dump)
    table = NEW if version.generation is Generation.V2 else OLD
    return EffectiveRegistry(config_path_of(data, table), tuple(sorted(mirrors_of(data, table).items())))


def mismatch(effective: EffectiveRegistry, decision: Decision, policy: Policy) -> str | None:
    """What the running configuration says against the plan, None when it says the plan. A skipped node has no plan."""
    if decision.strategy is Strategy.CONFIG_PATH:
        return _not_by_config_path(effective, decision.config_path or "")
    if decision.strategy is Strategy.MIRRORS:
        return _not_by_mirrors(effective, policy)
    return None


def grpc_address(config: str) -> str:
    """The socket that a config.toml makes containerd listen on. Raises NotToml, and Refused for another type."""
    address = table_at(parse(config), ("grpc",)).get("address", "")
    if not isinstance(address, str):
        raise Refused("grpc.address is not a string: correct it")
    return address or DEFAULT_ADDRESS


def _not_by_config_path(effective: EffectiveRegistry, root: str) -> str | None:
    if effective.mirrors:
        names = ", ".join(name for name, _ in effective.mirrors)
        return f"mirrors are still in effect ({names}): an imported file may set them"
    if effective.config_path.rstrip("/") != root.rstrip("/"):
        return f'config_path is "{effective.config_path}" in effect, not "{root}": an imported file may set it'
    return None


def _not_by_mirrors(effective: EffectiveRegistry, policy: Policy) -> str | None:
    mirrors = dict(effective.mirrors)
    if effective.config_path:
        return f'config_path "{effective.config_path}" is in effect beside mirrors: an imported file may set it'
    if "*" in mirrors:
        return f"the wildcard mirror ({mask_urls(', '.join(mirrors['*']))}) is still in effect"
    for registry in policy.registries:
        found = mirrors.get(registry.name)
        if found != registry.endpoints:
            said = "is not in effect" if found is None else f"is {mask_urls(', '.join(found))} in effect"
            return f'mirrors."{registry.name}" {said}, planned is {", ".join(registry.endpoints)}'
    return None
