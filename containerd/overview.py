"""The registry settings that are in effect on a node, for people: no credential is among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from containerd.daemon.merged import merge
from containerd.daemon.provenance import has_registry_types, registry_places
from containerd.daemon.settings import config_path_in_effect, registry_of
from containerd.files import Dead, FileSet
from containerd.secrets import mask_urls
from containerd.versions import Version


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
