"""Why a daemon does not start, from its merged configuration: containerd's own checks, in its order and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from containerd.loader.decode import is_duration, type_mismatch
from containerd.loader.merged import Merged
from containerd.loader.migrations import SERVER
from containerd.loader.paths import blocked, clash, socket_failure, tcp_failure
from containerd.loader.schema import known_plugins, plugin_types
from containerd.loader.settings import (
    DEFAULT_SOCKET,
    Settings,
    missing_file,
    plugin_name,
    plugin_settings,
    server_settings,
)
from containerd.model import CRI, FileSet, Release, Version, release_of
from containerd.toml import quoted

_LEVELS = {"panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"}


def server_failure(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    """Why the daemon does not get as far as its plugins, or dies over one's type, None when it does neither."""
    release = release_of(version)
    invalid = _invalid_1(merged, release) if release.toml == "go-toml 1" else _invalid_2(merged)
    if said := next(invalid, None):
        return f"failed to load TOML from {files.main}: {said}"
    return next(_failures(merged, files, version), None) or next(_type_errors(merged, version, disabled), None)


def listen_failure(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    """Why the daemon ends once its plugins are loaded: it cannot listen somewhere, or nobody could reach it."""
    if release_of(version).listeners_are_plugins:
        return next(_unheard(merged, files, version, disabled), None)
    config = server_settings(merged, version)
    grpc = config.table("grpc")
    socket = grpc.get("address") or DEFAULT_SOCKET
    found = [
        ("debug", _either(config.table("debug").get("address"), files)),
        ("metrics", _tcp(config.table("metrics").get("address"))),
        ("main ttrpc", socket_failure(config.table("ttrpc").get("address") or f"{socket}.ttrpc", files)),
        ("TCP grpc", _tcp(grpc.get("tcp_address"))),
        ("main", socket_failure(socket, files)),
    ]
    tcp = (config.table("debug").get("address"), config.table("metrics").get("address"), grpc.get("tcp_address"))
    return _said(found) or _clash(tcp)


def tcp_files(merged: Merged, version: Version) -> list[str]:
    """The files that the server reads for TLS over TCP; 2.3 leaves them to a plugin."""
    grpc = server_settings(merged, version).table("grpc")
    pair = [grpc.get("tcp_tls_cert"), grpc.get("tcp_tls_key")]
    return [*pair, *filter(None, [grpc.get("tcp_tls_ca")])] if pair[0] else []


def _unheard(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    """What the server plugins of 2.3 say; the grpc one alone is needed, since CRI is served on its socket."""
    grpc, tcp, ttrpc, metrics, debug = (
        plugin_settings(merged, f"{SERVER}.{name}", version)
        for name in ("grpc", "grpc-tcp", "ttrpc", "metrics", "debug")
    )
    socket = grpc.get("address", DEFAULT_SOCKET)
    if f"{SERVER}.grpc" in disabled:
        yield f"nothing serves CRI: {SERVER}.grpc is in disabled_plugins"
    elif not socket:
        yield "nothing serves CRI: grpc address cannot be empty"
    # Only CRI serves over TCP, and only where it is not told not to, as it is by default.
    serves_tcp = not plugin_settings(merged, CRI, version).get("disable_tcp_service", True)
    ttrpc_address = ttrpc.get("address", f"{DEFAULT_SOCKET}.ttrpc")
    found = {
        "debug": ("debug", _either(debug.get("address"), files)),
        "metrics": ("metrics", _tcp(metrics.get("address"))),
        "ttrpc": ("main ttrpc", socket_failure(ttrpc_address, files) if ttrpc_address else None),
        "grpc-tcp": ("TCP grpc", _tcp(tcp.get("address")) if serves_tcp else None),
        "grpc": ("main", socket_failure(socket, files)),
    }
    said = _said([each for name, each in found.items() if f"{SERVER}.{name}" not in disabled])
    addresses = {"debug": debug.get("address"), "metrics": metrics.get("address")}
    addresses |= {"grpc-tcp": tcp.get("address")} if serves_tcp else {}
    if said := said or _clash(each for name, each in addresses.items() if f"{SERVER}.{name}" not in disabled):
        yield said


def _said(found: Iterable[tuple[str, str | None]]) -> str | None:
    failed = ((name, said) for name, said in found if said)
    return next((f"failed to get listener for {name} endpoint: {said}" for name, said in failed), None)


def _clash(addresses: Iterable[str]) -> str | None:
    said = clash(address for address in addresses if address and not address.startswith("/"))
    return f"failed to get listener for an endpoint: {said}" if said else None


def _tcp(address: str) -> str | None:
    return tcp_failure(address) if address else None


def _either(address: str, files: FileSet) -> str | None:
    return socket_failure(address, files) if address.startswith("/") else _tcp(address)


def _invalid_1(merged: Merged, release: Release) -> Iterator[str]:
    if merged.version >= 2:
        for kind, names in (("disabled plugin", _names(merged, "disabled_plugins")), *_rest(merged)):
            for name in names:
                if name.count(".") < 3 or (release.checks_plugin_prefix and not name.startswith("io.containerd.")):
                    yield f'invalid {kind} URI "{name}" expect io.containerd.x.vx'


def _rest(merged: Merged) -> tuple[tuple[str, list[str]], ...]:
    return (("required plugin", _names(merged, "required_plugins")), ("plugin key", sorted(merged.plugins)))


def _invalid_2(merged: Merged) -> Iterator[str]:
    for kind in ("disabled", "required"):
        for name in _names(merged, f"{kind}_plugins"):
            if "." not in name:
                yield f'invalid {kind} plugin URI "{name}" expect io.containerd.x.vx'


def _names(merged: Merged, key: str) -> list[str]:
    return list(merged.value(key) or [])


def _failures(merged: Merged, files: FileSet, version: Version) -> Iterator[str]:
    config = server_settings(merged, version)
    debug = config.table("debug")
    level, form = debug.get("level"), debug.get("format")
    if level and level.lower() not in _LEVELS:
        yield f'not a valid logrus Level: "{level}"'
    if form and form not in {"text", "json"}:
        yield f"unknown log format: {form}"
    root, state = config.get("root") or "/var/lib/containerd", config.get("state") or "/run/containerd"
    if root == state:
        yield "root and state must be different paths"
    temp = config.get("temp") if "temp" in release_of(version).config.fields else ""
    yield from (said for path in (root, state, temp) if (said := blocked(path, files)))
    for text in config.get("timeouts", {}).values():
        if not is_duration(text):
            yield f"unable to parse {text} into a time duration"
    if not release_of(version).listeners_are_plugins:
        missing = (missing_file(path, files) for path in tcp_files(merged, version))
        yield from (said for said in missing if said)
    yield from _proxy_failures(config.get("proxy_plugins", {}), version)


def _proxy_failures(proxies: Mapping[str, Any], version: Version) -> Iterator[str]:
    types = release_of(version).proxy_types
    for name, proxy in proxies.items():
        type_ = Settings(proxy, version).get("type")
        uri = f"{types.get(type_, type_)}.{name}"
        if type_ not in types and type_ not in types.values():
            yield "panic: plugin: no type"
        elif not name:
            yield "panic: plugin: no id"
        elif uri in known_plugins(version):
            yield f"panic: {uri}: plugin: id already registered"


def _type_errors(merged: Merged, version: Version, disabled: frozenset[str]) -> Iterator[str]:
    for uri, type_ in plugin_types(version).items():
        table = merged.value("plugins", plugin_name(merged, uri, version))
        wrong = None if table is None or uri in disabled else type_mismatch(type_, table, release_of(version).go_toml)
        if wrong is not None:
            yield f"plugins.{quoted(uri)}: {wrong}"
