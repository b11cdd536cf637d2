"""What a daemon runs with, from its own dump of the configuration, and whether that is what was planned."""

from __future__ import annotations

from dataclasses import dataclass

from containerd.policy import Decision, Policy
from containerd.releases import IMAGES, release_of
from containerd.secrets import mask_urls
from containerd.statements import parse
from containerd.strategy import Strategy
from containerd.tables import NEW, OLD, config_path_of, mirrors_of
from containerd.versions import Version


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
    table = NEW if release_of(version).registry_plugin == IMAGES else OLD
    return EffectiveRegistry(config_path_of(data, table), tuple(sorted(mirrors_of(data, table).items())))


def mismatch(effective: EffectiveRegistry, decision: Decision, policy: Policy) -> str | None:
    """What the running configuration says against the plan, None when it says the plan. A skipped node has no plan."""
    if decision.strategy is Strategy.CONFIG_PATH:
        return _not_by_config_path(effective, decision.config_path or "")
    if decision.strategy is Strategy.MIRRORS:
        return _not_by_mirrors(effective, policy)
    return None


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
