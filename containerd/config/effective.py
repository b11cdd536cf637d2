"""The registry settings that are in effect: from the files, for people, and from the dump of a daemon that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common import mask_urls
from containerd.config.tables import NEW, OLD, config_path_of, mirrors_of
from containerd.loader import config_path_in_effect, has_registry_types, merge, registry_of, registry_places
from containerd.model import IMAGES, Dead, Decision, FileSet, Policy, Strategy, Version, release_of
from containerd.toml import parse


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


def registry_mismatch(effective: EffectiveRegistry, decision: Decision, policy: Policy) -> str | None:
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


@dataclass(frozen=True)
class Overview:
    """What holds of all files together: mirrors with their endpoints, and the hosts that have auth or TLS settings.

    ``places`` says for each setting which file and line wins.
    """

    config_path: str = ""
    mirrors: tuple[tuple[str, tuple[str, ...]], ...] = ()
    auth: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def overview(files: FileSet, version: Version) -> Overview:
    """Return the settings in effect; nothing where the daemon does not start on these files."""
    try:
        merged = merge(files, version)
    except Dead:
        return Overview()
    if not has_registry_types(merged, version):
        return Overview()
    registry = registry_of(merged, version)
    mirrors = (
        (name, tuple(map(mask_urls, mirror.get("endpoint", ())))) for name, mirror in registry.table("mirrors").tables()
    )
    places = registry_places(merged, files, version)
    configs = list(registry.table("configs").tables())
    return Overview(
        config_path=config_path_in_effect(registry),
        mirrors=tuple(sorted(mirrors)),
        auth=tuple(sorted(mask_urls(host) for host, config in configs if config.table("auth").data)),
        tls=tuple(sorted(mask_urls(host) for host, config in configs if config.table("tls").data)),
        places={mask_urls(key): str(place) for key, place in places.items()},
    )
