"""What containerd 2.x does to the tables of older files in memory, before it reads them.

Source: MigrateConfigTo and serviceMigrate of its server's config.go, and the configMigration of its three CRI plugins.
"""

from __future__ import annotations

from containerd.loader.trees import Leaf, Node, Table
from containerd.model import CRI, IMAGES, RUNTIME, Dead

_SHORT = {
    "cri": CRI,
    "cgroups": "io.containerd.monitor.v1.cgroups",
    "linux": "io.containerd.runtime.v1.linux",
    "scheduler": "io.containerd.gc.v1.scheduler",
    "bolt": "io.containerd.metadata.v1.bolt",
    "task": "io.containerd.runtime.v2.task",
    "opt": "io.containerd.internal.v1.opt",
    "restart": "io.containerd.internal.v1.restart",
    "tracing": "io.containerd.internal.v1.tracing",
    "otlp": "io.containerd.tracing.processor.v1.otlp",
    **{name: f"io.containerd.snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "native")},
    **{name: f"io.containerd.snapshotter.v1.{name}" for name in ("overlayfs", "zfs", "windows", "windows-lcow")},
}
_RENAMED = {
    "io.containerd.monitor.v1.cgroups": "io.containerd.monitor.task.v1.cgroups",
    "io.containerd.internal.v1.restart": "io.containerd.monitor.container.v1.restart",
}
_TO_IMAGES = (
    "registry",
    "image_decryption",
    "max_concurrent_downloads",
    "image_pull_progress_timeout",
    "image_pull_with_sync_fs",
    "stats_collect_period",
)
_CONTAINERD_TO_IMAGES = ("snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers")
TO_SERVER = (
    "disable_tcp_service",
    "stream_server_address",
    "stream_server_port",
    "stream_idle_timeout",
    "enable_tls_streaming",
    "x509_key_pair_streaming",
)


def long_name(plugin: str) -> str:
    """The URI that 2.x takes a plugin's name of version 1 for."""
    if "." in plugin:
        return plugin
    if plugin.endswith("-service") and plugin not in _SHORT:
        return f"io.containerd.service.v1.{plugin}"
    return _SHORT.get(plugin, f"io.containerd.grpc.v1.{plugin}")


def name_plugins(config: Table) -> None:
    """Version 1 to 2: short plugin names become URIs, in the tables and in the lists.

    Of a short name and its URI in one file containerd keeps either, by chance; this keeps the one written last.
    """
    plugins = config.table("plugins")
    config["plugins"] = Table(plugins.file, plugins.path, {long_name(name): node for name, node in plugins.items()})
    for key in ("disabled_plugins", "required_plugins"):
        names = config.get(key)
        if isinstance(names, Leaf):
            config[key] = Leaf([long_name(name) for name in names.value], names.file, names.path)


def move_plugins(plugins: Table, *, names_cni_bin_dirs: bool, built_in_config_path: bool) -> None:
    """Version 2 to 3, and 3 to 4 of containerd 2.3: what the old CRI plugin's table has goes to the new ones' tables.

    The images plugin's keys are overwritten, the runtime plugin's are kept where it has them already.
    Raises Dead where containerd panics: something that is to be moved is not a table.
    """
    for old, new in _RENAMED.items():
        if old in plugins:
            plugins[new] = plugins.pop(old)
    if CRI not in plugins:
        return
    source = _tables(plugins, CRI)
    _to_images(source, _made(plugins, IMAGES), built_in_config_path=built_in_config_path)
    _to_runtime(source, plugins, names_cni_bin_dirs=names_cni_bin_dirs)
    plugins[CRI] = Table(source.file, source.path, {key: source[key] for key in TO_SERVER if key in source})


def _to_images(source: Table, images: Table, *, built_in_config_path: bool) -> None:
    if "sandbox_image" in source:
        _made(images, "pinned_images")["sandbox"] = source["sandbox_image"]
    for key in _TO_IMAGES:
        if key in source:
            images[key] = source[key]
    registry = images.table("registry")
    path = registry.get("config_path")
    if built_in_config_path and "registry" in source and isinstance(path, Leaf) and path.value == "":
        del registry["config_path"]
    if "containerd" in source:
        containerd = _tables(source, "containerd")
        for name in _tables(containerd, "runtimes") if "runtimes" in containerd else ():
            _tables(containerd.table("runtimes"), name)
        for key in _CONTAINERD_TO_IMAGES:
            if key in containerd and "runtimes" in containerd:
                images[key] = containerd[key]


def _to_runtime(source: Table, plugins: Table, *, names_cni_bin_dirs: bool) -> None:
    runtime = _made(plugins, RUNTIME)
    elsewhere = {"cni", "containerd", "sandbox_image", *_TO_IMAGES, *TO_SERVER}
    _fill(runtime, {key: node for key, node in source.items() if key not in elsewhere})
    if isinstance(source.get("cni"), Table):
        cni = _made(runtime, "cni")
        entries = dict(source.table("cni"))
        bin_dir = entries.pop("bin_dir", None) if names_cni_bin_dirs else None
        if bin_dir is not None:
            if not isinstance(bin_dir, Leaf) or not isinstance(bin_dir.value, str):
                raise Dead("panic: interface conversion: cni.bin_dir is not a string")
            cni["bin_dirs"] = Leaf([bin_dir.value], bin_dir.file, bin_dir.path)
        _fill(cni, entries)
    if isinstance(source.get("containerd"), Table):
        containerd = _made(runtime, "containerd")
        entries = dict(source.table("containerd"))
        _fill(containerd, {key: node for key, node in entries.items() if key not in _CONTAINERD_TO_IMAGES})
        for name in containerd.table("runtimes"):
            handler = containerd.table("runtimes").table(name)
            if "sandbox_mode" in handler and "sandboxer" not in handler:
                handler["sandboxer"] = handler.pop("sandbox_mode")


def _fill(table: Table, entries: dict[str, Node]) -> None:
    for key, node in entries.items():
        table.setdefault(key, node)


def _made(parent: Table, key: str) -> Table:
    """The table under a key, made when there is none."""
    if key not in parent:
        parent[key] = Table(parent.file, (*parent.path, key))
    return _tables(parent, key)


def _tables(parent: Table, key: str) -> Table:
    found = parent[key]
    if not isinstance(found, Table):
        raise Dead(f"panic: interface conversion: {key} is not a table")
    return found


SERVER = "io.containerd.server.v1"
_SIZES = {key: key for key in ("max_recv_message_size", "max_send_message_size")}
_TLS = {f"tcp_tls_{name}": f"tls_{name}" for name in ("ca", "cert", "key", "common_name")}


def move_services(config: Table) -> None:
    """Version 3 to 4 of one file: each address that is set becomes its plugin's, where the file has no such table."""
    grpc, ttrpc = config.table("grpc"), config.table("ttrpc")
    same = {key: key for key in ("address", "uid", "gid")}
    _move(config, "debug", config.table("debug"), same)
    _move(config, "grpc", grpc, {**same, **_SIZES})
    _move(config, "grpc-tcp", grpc, {"tcp_address": "address", **_TLS, **_SIZES}, by="tcp_address")
    if not _set(ttrpc, "address") and (leaf := _set(grpc, "address")):
        beside = Leaf(f"{leaf.value}.ttrpc", leaf.file, leaf.path)
        ttrpc = Table(ttrpc.file, ttrpc.path, {**ttrpc, "address": beside})
    _move(config, "ttrpc", ttrpc, same)
    _move(config, "metrics", config.table("metrics"), {"address": "address"})


def _move(config: Table, name: str, section: Table, keys: dict[str, str], by: str = "address") -> None:
    plugins, uri = config.table("plugins"), f"{SERVER}.{name}"
    if _set(section, by) is None or uri in plugins:
        return
    if "plugins" not in config:
        config["plugins"] = plugins
    entries = {new: section[old] for old, new in keys.items() if old in section}
    plugins[uri] = Table(section.file, section.path, entries)


def _set(section: Table, key: str) -> Leaf | None:
    found = section.get(key)
    return found if isinstance(found, Leaf) and found.value else None
