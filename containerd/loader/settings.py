"""The settings of a merged configuration as go-toml reads them, and the directories and sockets that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from containerd.loader.decode import lookup
from containerd.loader.merged import Merged, merge
from containerd.loader.migrations import SERVER
from containerd.loader.schema import id_of
from containerd.model import CRI, RUNTIME, Dead, FileSet, Version, clean, release_of

DEFAULT_SOCKET = "/run/containerd/containerd.sock"
BUILT_IN_CONFIG_PATH = "/etc/containerd/certs.d:/etc/docker/certs.d"


class Settings:
    """A table, with defaults for what it has not."""

    def __init__(self, table: Any, version: Version) -> None:
        self.data: Mapping[str, Any] = table if isinstance(table, Mapping) else {}
        self.version = version

    def get(self, key: str, default: Any = "") -> Any:
        """The value of a key."""
        found = lookup(self.data, key, release_of(self.version).go_toml)
        return default if found is None else found

    def table(self, key: str) -> Settings:
        """The settings of a table below."""
        return Settings(lookup(self.data, key, release_of(self.version).go_toml), self.version)

    def tables(self) -> Iterator[tuple[str, Settings]]:
        """The tables of a map, by key."""
        return ((key, Settings(table, self.version)) for key, table in self.data.items())


def plugin_name(merged: Merged, plugin: str, version: Version) -> str:
    """The name under which a plugin finds its table: the short id in a file of version 1 on 1.x (containerd #5236)."""
    return id_of(plugin) if goes_by_ids(merged, version) else plugin


def goes_by_ids(merged: Merged, version: Version) -> bool:
    """Whether plugins are named by their short ids, as 1.x does in a file of version 1."""
    return merged.version == 1 and release_of(version).short_names == "read"


def plugin_settings(merged: Merged, plugin: str, version: Version) -> Settings:
    """What a plugin gets from its table."""
    return Settings(merged.value("plugins", plugin_name(merged, plugin, version)), version)


def server_settings(merged: Merged, version: Version) -> Settings:
    """What the server itself has."""
    return Settings(merged.value(), version)


def socket_of(merged: Merged, version: Version) -> str:
    """The path of the socket that the daemon serves CRI on."""
    if release_of(version).listeners_are_plugins:
        settings = plugin_settings(merged, f"{SERVER}.grpc", version)
    else:
        settings = server_settings(merged, version).table("grpc")
    found = settings.get("address")
    return found if isinstance(found, str) and found else DEFAULT_SOCKET


def registry_plugin(version: Version) -> str:
    """The plugin that has the registry settings."""
    return release_of(version).registry_plugin


def runtime_plugin(version: Version) -> str:
    """The plugin that has the runtimes and CNI."""
    return RUNTIME if RUNTIME in release_of(version).plugins else CRI


def registry_of(merged: Merged, version: Version) -> Settings:
    """The registry settings that hold."""
    return plugin_settings(merged, registry_plugin(version), version).table("registry")


def config_path_in_effect(registry: Settings) -> str:
    """The config_path as it is validated, with the built-in one where the version has it."""
    before = release_of(registry.version).built_in_config_path == "before files"
    built_in = BUILT_IN_CONFIG_PATH if before else ""
    found: str = registry.get("config_path", built_in)
    return found


def hosts_roots(config_path: str, version: Version, *, mirrors: bool) -> tuple[str, ...]:
    """The directories of hosts.toml files that are read: since 2.2 some are built in, which `mirrors` turn off."""
    if config_path:
        return tuple(clean(root) for root in config_path.split(":"))
    built_in = release_of(version).built_in_config_path != "no" and not mirrors
    return tuple(BUILT_IN_CONFIG_PATH.split(":")) if built_in else ()


def runtimes_of(plugin: Settings) -> dict[str, Settings]:
    """The runtimes: a table of them replaces the built-in runc in 1.x, and is added to it in 2.x."""
    containerd = plugin.table("containerd")
    found = dict(containerd.table("runtimes").tables())
    if release_of(plugin.version).adds_runtimes or lookup(containerd.data, "runtimes", 1) is None:
        found.setdefault("runc", Settings({"runtime_type": "io.containerd.runc.v2"}, plugin.version))
    return found


def base_specs(plugin: Settings) -> list[str]:
    """The paths of the runtimes' base specifications."""
    paths = (runtime.get("base_runtime_spec") for runtime in runtimes_of(plugin).values())
    return sorted({path for path in paths if isinstance(path, str) and path})


def missing_file(path: str, files: FileSet) -> str | None:
    """What opening a path says when it is not there."""
    return None if files.has(path) else f"open {path}: no such file or directory"


_DEFAULT_ROOT = "/var/lib/containerd"
_DEFAULT_STATE = "/run/containerd"


@dataclass(frozen=True)
class Directories:
    """`root` keeps what outlives a reboot, `state` what does not, the bundles of running containers among it.

    `socket` is the one that CRI is served on.
    """

    root: str
    state: str
    socket: str = DEFAULT_SOCKET


def directories(files: FileSet, version: Version) -> Directories:
    """Return what these files name, or containerd's defaults. Never raises."""
    try:
        merged = merge(files, version)
    except Dead:
        return Directories(_DEFAULT_ROOT, _DEFAULT_STATE)
    return Directories(
        _path(merged.value("root"), _DEFAULT_ROOT),
        _path(merged.value("state"), _DEFAULT_STATE),
        socket_of(merged, version),
    )


def _path(value: object, default: str) -> str:
    return value if isinstance(value, str) and value.startswith("/") else default
