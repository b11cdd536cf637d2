"""The keys of a config.toml itself that containerd decodes: config.Config of its server, version by version."""

from __future__ import annotations

from functools import lru_cache

from containerd.daemon.gotypes import ANY, BOOL, INT, STRING, STRING_MAP, STRINGS, Fields, GoType, MapOf, Struct, fields
from containerd.versions import Version, since

_GRPC: Fields = {
    **fields(STRING, "address", "tcp_address", "tcp_tls_ca", "tcp_tls_cert", "tcp_tls_key"),
    **fields(INT, "uid", "gid", "max_recv_message_size", "max_send_message_size"),
}
_GRPC_TLS_NAME: Fields = {"tcp_tls_common_name": STRING}
_TTRPC: Fields = {"address": STRING, **fields(INT, "uid", "gid")}
_DEBUG: Fields = {**fields(STRING, "address", "level"), **fields(INT, "uid", "gid"), "format": STRING}
_LOG_TRACE_ID: Fields = {"log_trace_id": BOOL}
_METRICS = Struct("config.MetricsConfig", {"address": STRING, "grpc_histogram": BOOL})
_CGROUP = Struct("config.CgroupConfig", {"path": STRING})
_PROXY: Fields = fields(STRING, "type", "address")
_PROXY_EXPORTS: Fields = {"platform": STRING, "exports": STRING_MAP, "capabilities": STRINGS}
_STREAM = Struct(
    "config.StreamProcessor",
    {"accepts": STRINGS, **fields(STRING, "returns", "path"), **fields(STRINGS, "args", "env")},
)
_TREE = MapOf(ANY)

STRUCTS = ("grpc", "ttrpc", "debug", "metrics", "cgroup")
SECTIONS = ("proxy_plugins", "timeouts", "stream_processors")
LISTS = ("disabled_plugins", "required_plugins", "imports")


@lru_cache(maxsize=64)
def server_config(version: Version) -> Struct:
    """The type of a whole config.toml for a version."""
    proxy = {**_PROXY, **(_PROXY_EXPORTS if since(version, (1, 7, 0)) else {})}
    plugins: GoType = MapOf(_TREE) if version.major == 1 else MapOf(ANY)
    newest = since(version, (2, 3, 0))
    return Struct(
        "config.Config",
        {
            "version": INT,
            **fields(STRING, "root", "state", "temp", *(["plugin_dir"] if version.major == 1 else [])),
            "grpc": Struct("config.GRPCConfig", {**_GRPC, **(_GRPC_TLS_NAME if newest else {})}),
            "ttrpc": Struct("config.TTRPCConfig", _TTRPC),
            "debug": Struct("config.Debug", {**_DEBUG, **(_LOG_TRACE_ID if newest else {})}),
            "metrics": _METRICS,
            "disabled_plugins": STRINGS,
            "required_plugins": STRINGS,
            "plugins": plugins,
            "oom_score": INT,
            "cgroup": _CGROUP,
            "proxy_plugins": MapOf(Struct("config.ProxyPlugin", proxy)),
            "timeouts": STRING_MAP,
            "imports": STRINGS,
            "stream_processors": MapOf(_STREAM),
        },
    )
