"""Which file and line each registry setting that holds comes from."""

from __future__ import annotations

from collections.abc import Iterator

from containerd.loader.decode import type_mismatch
from containerd.loader.merged import Merged
from containerd.loader.schema import plugin_types
from containerd.loader.settings import plugin_name, registry_plugin
from containerd.loader.trees import Node, Place, Table, misfit, place_of
from containerd.model import FileSet, Version, release_of
from containerd.toml import Path, quoted


def registry_path(merged: Merged, version: Version) -> Path:
    """Where the registry settings that hold are in the merged tree."""
    return ("plugins", plugin_name(merged, registry_plugin(version), version), "registry")


def has_registry_types(merged: Merged, version: Version) -> bool:
    """Whether the plugin that has the registry settings can be decoded: a daemon does not start where it cannot."""
    plugin = registry_plugin(version)
    table = merged.value("plugins", plugin_name(merged, plugin, version))
    return table is None or type_mismatch(plugin_types(version)[plugin], table, release_of(version).go_toml) is None


def place_of_type_error(reason: str, merged: Merged, files: FileSet, version: Version) -> Place | None:
    """Where the value is that a daemon dies over for this reason, None where it is not the type of a plugin's value."""
    for uri, type_ in plugin_types(version).items():
        node = merged.node("plugins", plugin_name(merged, uri, version))
        if node is not None and reason.startswith(f"plugins.{quoted(uri)}: "):
            return place_of(misfit(node, type_, release_of(version).go_toml), files)
    return None


def registry_places(merged: Merged, files: FileSet, version: Version) -> dict[str, Place]:
    """The place of config_path, and of every mirror, credential, TLS table and header, by its key below `registry`."""
    registry = merged.node(*registry_path(merged, version))
    settings = _settings(registry) if isinstance(registry, Table) else ()
    return {".".join(map(quoted, path)): winner(node, files) for path, node in settings}


def winner(node: Node, files: FileSet) -> Place:
    """Where a node comes from: a table of values from the first of them, which a later file may have set."""
    while isinstance(node, Table) and node:
        node = next(iter(node.values()))
    return place_of(node, files)


def _settings(registry: Table) -> Iterator[tuple[Path, Node]]:
    if "config_path" in registry:
        yield ("config_path",), registry["config_path"]
    for key in ("mirrors", "auths", "headers"):
        yield from (((key, name), node) for name, node in registry.table(key).items())
    for host, config in registry.table("configs").items():
        if isinstance(config, Table):
            yield from ((("configs", host, key), node) for key, node in config.items())
