"""Why a plugin that CRI is built on does not load, so that CRI does not either."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from containerd.loader.merged import Merged
from containerd.loader.migrations import SERVER
from containerd.loader.paths import blocked
from containerd.loader.settings import Settings, missing_file, plugin_settings, server_settings
from containerd.model import FileSet, Version, release_of

_SNAPSHOTTER = "io.containerd.snapshotter.v1"
_CONTENT = "io.containerd.content.v1"
_DIFFER = "io.containerd.differ.v1"
_DEVMAPPER = f"{_SNAPSHOTTER}.devmapper"
_TYPES = {_SNAPSHOTTER: "snapshot", _CONTENT: "content", _DIFFER: "diff"}
_TRANSFER = "io.containerd.transfer.v1.local"
# Whether btrfs and zfs load, the file system of the node's root decides: they are taken to.
_MAKE_THEIR_ROOT = {"overlayfs", "native", "erofs", "blockfile", "btrfs"}
_FILE_SYSTEMS = {"", "ext2", "ext4", "xfs"}
_OTHER_SYSTEMS = {"windows", "darwin", "macos", "freebsd"}
_SIZE = re.compile(r"[0-9]+(?:\.[0-9]*)? ?(?:[kKmMgGtTpP][iI]?)?[bB]?", re.ASCII)
_OTLP = "io.containerd.tracing.processor.v1.otlp"
_POLICIES = {"", "shared", "isolated"}
_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+(?:\([A-Za-z0-9_.-]*\))?")


def unmet_need(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    """Why something that CRI needs is not there, None when all of it is."""
    return next(_unmet(merged, files, version, disabled), None)


def missing_snapshotter(name: str, merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> bool:
    """Whether CRI does not find the snapshotter of that name. 1.x takes an empty name for the default."""
    release, uri = release_of(version), f"{_SNAPSHOTTER}.{name}"
    if name in proxies(merged, _SNAPSHOTTER, version) or (not name and release.empty_snapshotter_is_default):
        return False
    if uri not in release.plugins or uri in disabled:
        return True
    unset = {"devmapper": not pool_device(merged, version), "blockfile": not scratch_file(merged, version)}
    return unset.get(name, False) or broken_snapshotter(name, merged, files, version) is not None


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


def scratch_file(merged: Merged, version: Version) -> str:
    """The file that the blockfile snapshotter copies, empty when none is configured."""
    found: str = plugin_settings(merged, f"{_SNAPSHOTTER}.blockfile", version).get("scratch_file")
    return found


def broken_snapshotter(name: str, merged: Merged, files: FileSet, version: Version) -> str | None:
    """Why a snapshotter that is configured does not load; None when it does, or is not configured at all."""
    settings = plugin_settings(merged, f"{_SNAPSHOTTER}.{name}", version)
    root = settings.get("root_path")
    if name == "devmapper":
        device = pool_device(merged, version)
        return (_invalid_pool(settings) or missing_file(device, files)) if device else None
    if name == "blockfile" and (scratch := scratch_file(merged, version)) and (said := missing_file(scratch, files)):
        return f"failed to create scratch file: {said}"
    # The others make nothing where the file system is not theirs: btrfs looks at the directory above first.
    return blocked(posixpath.dirname(root) if name == "btrfs" else root, files) if name in _MAKE_THEIR_ROOT else None


def unloaded(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> frozenset[str]:
    """The plugins that are there and do not load as they are configured: whoever requires one has no daemon.

    The differ of erofs needs a program on the node, and aufs a kernel; tracing has no setting of its own any more.
    """
    release = release_of(version)
    names = (uri.removeprefix(f"{_SNAPSHOTTER}.") for uri in release.plugins if uri.startswith(f"{_SNAPSHOTTER}."))
    broken = {f"{_SNAPSHOTTER}.{name}" for name in names if missing_snapshotter(name, merged, files, version, disabled)}
    if not (release.tracing_by_file and plugin_settings(merged, _OTLP, version).get("endpoint")):
        broken |= {_OTLP, "io.containerd.internal.v1.tracing"}
    for name in ("grpc-tcp", "metrics", "debug"):
        uri = f"{SERVER}.{name}"
        broken |= set() if plugin_settings(merged, uri, version).get("address") else {uri}
    return frozenset(broken | {f"{_DIFFER}.erofs", f"{_SNAPSHOTTER}.aufs"})


def _unmet(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    release = release_of(version)
    for plugin in sorted(release.needed & disabled):
        if plugin != f"{_CONTENT}.content" or not proxies(merged, _CONTENT, version):
            yield f"the plugin {plugin}, which CRI needs, is in disabled_plugins"
    policy = plugin_settings(merged, "io.containerd.metadata.v1.bolt", version).get("content_sharing_policy")
    if policy not in _POLICIES:
        yield f"unknown policy: {policy}: invalid argument"
    for differ in plugin_settings(merged, "io.containerd.service.v1.diff-service", version).get("default", []):
        if differ not in _differs(merged, version):
            yield f"needed differ not loaded: {differ}"
    for platform in plugin_settings(merged, "io.containerd.runtime.v2.task", version).get("platforms", []):
        if not valid_platform(platform):
            yield f'"{platform}" is not a platform'
    if release.strict_plugins:
        yield from _broken(merged, files, version, disabled)
    if _TRANSFER in release.needed:
        yield from _transfer(merged, files, version, disabled)


def _broken(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    stores = len(proxies(merged, _CONTENT, version)) + (f"{_CONTENT}.content" not in disabled)
    if stores > 1:
        yield f"multiple plugins registered for {_CONTENT}: plugin: multiple instances"
    for uri in sorted(release_of(version).plugins - disabled):
        if uri.startswith(f"{_SNAPSHOTTER}."):
            said = broken_snapshotter(uri.removeprefix(f"{_SNAPSHOTTER}."), merged, files, version)
            yield from [said] if said else []


def _transfer(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    for table in plugin_settings(merged, _TRANSFER, version).get("unpack_config", []):
        unpack = Settings(table, version)
        platform, snapshotter, differ = unpack.get("platform"), unpack.get("snapshotter"), unpack.get("differ")
        if not valid_platform(platform):
            yield f"io.containerd.transfer.v1: platform configuration {platform} invalid"
        elif missing_snapshotter(snapshotter, merged, files, version, disabled):
            yield f'snapshotter "{snapshotter}" not found: not found'
        elif differ and differ not in _differs(merged, version):
            missing = f"no plugins registered for {_DIFFER}.{differ}: plugin: not found"
            yield f'failed to get instance for diff plugin "{differ}": {missing}'
        elif not differ and platform.partition("/")[0].lower() in _OTHER_SYSTEMS:
            yield "no matching diff plugins: not found"


def _differs(merged: Merged, version: Version) -> set[str]:
    """The differs that load; that of erofs does with an mkfs.erofs on the node alone, and is taken not to."""
    return {"walking", *proxies(merged, _DIFFER, version)}


def _invalid_pool(settings: Settings) -> str | None:
    size, system = settings.get("base_image_size"), settings.get("fs_type")
    if not _SIZE.fullmatch(size):
        return f"failed to parse base image size: '{size}': invalid size: '{size}'"
    return None if system in _FILE_SYSTEMS else f'unsupported Filesystem Type: "{system}"'
