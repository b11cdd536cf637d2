"""What containerd 2.3 does to the addresses of older files: they become settings of its server plugins.

Source: serviceMigrate of its server's config.go. In a file of version 4 nobody reads `[grpc]` and the like.
"""

from __future__ import annotations

from containerd.daemon.trees import Leaf, Table

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
