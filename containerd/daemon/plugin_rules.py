"""Why a plugin that CRI is built on does not load, so that CRI does not either."""

from __future__ import annotations

import re
from collections.abc import Iterator

from containerd.daemon.merged import Merged
from containerd.daemon.plugin_ids import needed_by_cri
from containerd.daemon.settings import Settings, missing_file, plugin_name, plugin_settings, server_settings
from containerd.files import FileSet
from containerd.versions import Version, since

_SNAPSHOTTER = "io.containerd.snapshotter.v1"
_CONTENT = "io.containerd.content.v1"
_DEVMAPPER = f"{_SNAPSHOTTER}.devmapper"
_TYPES = {_SNAPSHOTTER: "snapshot", _CONTENT: "content", "io.containerd.differ.v1": "diff"}
# The file system of the node's root decides whether btrfs and zfs are there: they are taken to be.
_SNAPSHOTTERS = ("overlayfs", "native", "btrfs", "zfs", "devmapper", "blockfile")
_POLICIES = {"", "shared", "isolated"}
_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+(?:\([A-Za-z0-9_.-]*\))?")


def unmet_need(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    """Why something that CRI needs is not there, None when all of it is."""
    return next(_unmet(merged, files, version, disabled), None)


def missing_snapshotter(name: str, merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> bool:
    """Whether CRI does not find the snapshotter of that name. 1.x takes an empty name for the default."""
    if name in proxies(merged, _SNAPSHOTTER, version) or (not name and version.major == 1):
        return False
    known = (
        *_SNAPSHOTTERS,
        *(["aufs"] if version.major == 1 else []),
        *(["erofs"] if since(version, (2, 1, 0)) else []),
    )
    uri = f"{_SNAPSHOTTER}.{name}"
    scratch = plugin_settings(merged, f"{_SNAPSHOTTER}.blockfile", version).get("scratch_file")
    broken = {"devmapper": _missing_pool(merged, files, version, unset="not configured"), "blockfile": not scratch}
    return name not in known or uri in disabled or bool(broken.get(name))


def valid_platform(text: str) -> bool:
    """Whether containerd reads the name of a platform: os, architecture and variant."""
    parts = text.split("/")
    return len(parts) <= 3 and all(map(_COMPONENT.fullmatch, parts))


def proxies(merged: Merged, type_: str, version: Version) -> list[str]:
    """The names of the proxy plugins of a type."""
    tables = server_settings(merged, version).table("proxy_plugins").tables()
    return [name for name, proxy in tables if proxy.get("type") in {type_, _TYPES[type_]}]


def proxy_uris(merged: Merged, version: Version) -> frozenset[str]:
    """The URIs of the proxy plugins."""
    return frozenset(f"{type_}.{name}" for type_ in _TYPES for name in proxies(merged, type_, version))


def pool_device(merged: Merged, version: Version) -> str:
    """The device of the devmapper snapshotter's pool, empty when none is configured."""
    pool = plugin_settings(merged, _DEVMAPPER, version).get("pool_name")
    return f"/dev/mapper/{pool}" if pool else ""


def _unmet(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    for plugin in sorted(needed_by_cri(version) & disabled):
        if plugin != f"{_CONTENT}.content" or not proxies(merged, _CONTENT, version):
            yield f"the plugin {plugin}, which CRI needs, is in disabled_plugins"
    policy = plugin_settings(merged, "io.containerd.metadata.v1.bolt", version).get("content_sharing_policy")
    if policy not in _POLICIES:
        yield f"unknown policy: {policy}: invalid argument"
    known = {"walking", "erofs", *proxies(merged, "io.containerd.differ.v1", version)}
    for differ in plugin_settings(merged, "io.containerd.service.v1.diff-service", version).get("default", []):
        if differ not in known:
            yield f"needed differ not loaded: {differ}"
    for platform in plugin_settings(merged, "io.containerd.runtime.v2.task", version).get("platforms", []):
        if not valid_platform(platform):
            yield f'"{platform}" is not a platform'
    if version.major > 1:
        yield from _unmet_2(merged, files, version, disabled)


def _unmet_2(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    """2.x alone: a second content store, a snapshotter that is configured and broken, and the transfer service."""
    stores = len(proxies(merged, _CONTENT, version)) + (f"{_CONTENT}.content" not in disabled)
    if stores > 1:
        yield f"multiple plugins registered for {_CONTENT}: plugin: multiple instances"
    if _DEVMAPPER not in disabled and (pool := _missing_pool(merged, files, version, unset=None)):
        yield pool
    transfer = plugin_settings(merged, "io.containerd.transfer.v1.local", version)
    for table in transfer.get("unpack_config", []) if since(version, (2, 1, 0)) else []:
        unpack = Settings(table, version)
        platform, snapshotter = unpack.get("platform"), unpack.get("snapshotter")
        if not valid_platform(platform):
            yield f"io.containerd.transfer.v1: platform configuration {platform} invalid"
        elif missing_snapshotter(snapshotter, merged, files, version, disabled):
            yield f'snapshotter "{snapshotter}" not found: not found'


def _missing_pool(merged: Merged, files: FileSet, version: Version, *, unset: str | None) -> str | None:
    device = pool_device(merged, version)
    if plugin_name(merged, _DEVMAPPER, version) not in merged.plugins or not device:
        return unset
    return missing_file(device, files)
