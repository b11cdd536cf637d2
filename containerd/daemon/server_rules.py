"""Why a daemon does not start, from its merged configuration: containerd's own checks, in its order and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from containerd.daemon.durations import is_duration
from containerd.daemon.gotypes import mismatch
from containerd.daemon.merged import Merged
from containerd.daemon.plugin_configs import plugin_types
from containerd.daemon.plugin_ids import known_plugins
from containerd.daemon.settings import Settings, missing_file, plugin_name, server_settings
from containerd.files import FileSet
from containerd.statements import quoted
from containerd.versions import Version, since

_LEVELS = {"panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"}
_PROXIES = {"snapshot": "io.containerd.snapshotter.v1", "content": "io.containerd.content.v1"}
_PROXIES_1_7 = {**_PROXIES, "diff": "io.containerd.differ.v1"}
_PROXIES_2 = {**_PROXIES_1_7, "sandbox": "io.containerd.sandbox.controller.v1"}


def server_failure(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    """Why the daemon does not get as far as its plugins, or dies over one's type, None when it does neither."""
    invalid = _invalid_1(merged, version) if version.major == 1 else _invalid_2(merged)
    if said := next(invalid, None):
        return f"failed to load TOML from {files.main}: {said}"
    return next(_failures(merged, files, version), None) or next(_type_errors(merged, version, disabled), None)


def tcp_files(merged: Merged, version: Version) -> list[str]:
    """The files that the server reads for TLS over TCP; 2.3 leaves them to a plugin."""
    grpc = server_settings(merged, version).table("grpc")
    pair = [grpc.get("tcp_tls_cert"), grpc.get("tcp_tls_key")]
    return [*pair, *filter(None, [grpc.get("tcp_tls_ca")])] if pair[0] else []


def _invalid_1(merged: Merged, version: Version) -> Iterator[str]:
    if merged.version >= 2:
        for kind, names in (("disabled plugin", _names(merged, "disabled_plugins")), *_rest(merged)):
            for name in names:
                if name.count(".") < 3 or (since(version, (1, 7, 0)) and not name.startswith("io.containerd.")):
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
    if (config.get("root") or "/var/lib/containerd") == (config.get("state") or "/run/containerd"):
        yield "root and state must be different paths"
    for text in config.get("timeouts", {}).values():
        if not is_duration(text):
            yield f"unable to parse {text} into a time duration"
    if not since(version, (2, 3, 0)):
        missing = (missing_file(path, files) for path in tcp_files(merged, version))
        yield from (said for said in missing if said)
    yield from _proxy_failures(config.get("proxy_plugins", {}), version)


def _proxy_failures(proxies: Mapping[str, Any], version: Version) -> Iterator[str]:
    types = _PROXIES if not since(version, (1, 7, 0)) else _PROXIES_1_7 if version.major == 1 else _PROXIES_2
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
        wrong = None if table is None or uri in disabled else mismatch(type_, table, version.major)
        if wrong is not None:
            yield f"plugins.{quoted(uri)}: {wrong}"
