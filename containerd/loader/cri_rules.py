"""Why the CRI plugin of a daemon does not load: containerd's own checks, in its order and words.

Sources: ValidatePluginConfig and NewCRIService of 1.x; ValidateImageConfig, ValidateServerConfig and StreamingConfig of
2.x, and the plugins that call them; ValidateRuntimeConfig of 2.x for runtimes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from containerd.loader.decode import is_duration, is_url, lookup
from containerd.loader.merged import Merged
from containerd.loader.paths import blocked, joined, socket_failure, tcp_failure
from containerd.loader.plugin_rules import missing_snapshotter, unmet_need, valid_platform
from containerd.loader.settings import (
    Settings,
    base_specs,
    config_path_in_effect,
    missing_file,
    plugin_settings,
    registry_plugin,
    runtimes_of,
)
from containerd.model import CRI, IMAGES, RUNTIME, FileSet, Version, release_of

CONFLICT_MIRRORS = "`mirrors` cannot be set when `config_path` is provided"
CONFLICT_TLS = "`configs.tls` cannot be set when `config_path` is provided"

_IDLE = ("stream_idle_timeout", "invalid stream idle timeout: ")
_PULL = ("image_pull_progress_timeout", "invalid image pull progress timeout: ")
_DRAIN = ("drain_exec_sync_io_timeout", "invalid `drain_exec_sync_io_timeout`: ")
_X509 = "X509KeyPairStreaming"
_NRI = "io.containerd.nri.v1.nri"


@dataclass(frozen=True)
class Failure:
    """A check of a plugin: `said` is None when it passed."""

    plugin: str
    prefix: str
    said: str | None

    @property
    def reason(self) -> str:
        """What the plugin itself says."""
        return self.prefix + (self.said or "")


def cri_failure(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Failure | None:
    """Why CRI does not load, None when it does; `disabled` are the plugins that are not there."""
    unmet = Failure(registry_plugin(version), "", unmet_need(merged, files, version, disabled))
    failures = _failures_1 if registry_plugin(version) == CRI else _failures_2
    found = chain([unmet], failures(merged, files, version, disabled))
    return next((failure for failure in found if failure.said is not None), None)


def stream_failure(merged: Merged, version: Version) -> str | None:
    """Why the streaming server ends the daemon soon after its start: CRI loads, and then cannot listen."""
    server = plugin_settings(merged, CRI, version)
    # Without an address it takes that of the default route.
    host = server.get("stream_server_address", "127.0.0.1") or "127.0.0.1"
    said = tcp_failure(joined(host, server.get("stream_server_port", "0")))
    return f"Failed to run CRI service: stream server error: {said}" if said else None


def nri_failure(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    """Why NRI ends the daemon with CRI, once both are loaded: paths that are of the wrong kind."""
    release = release_of(version)
    if _NRI not in release.plugins or _NRI in disabled:
        return None
    nri = plugin_settings(merged, _NRI, version)
    if nri.get("disable", not release.nri_by_default):
        return None
    plugins, socket = nri.get("plugin_path"), nri.get("socket_path")
    said = f"failed to read {plugins}: not a directory" if blocked(plugins, files) else None
    if not said and socket and not nri.get("disable_connections", False):
        said = socket_failure(socket, files)
    return f"Failed to run CRI service: failed to set up NRI for CRI service: {said}" if said else None


def _failures_1(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[Failure]:
    cri = plugin_settings(merged, CRI, version)
    known = release_of(version)
    durations = _durations(_IDLE, *(each for each in (_PULL, _DRAIN) if known.has(CRI, each[0])))
    invalid = _first(cri, invalid_runtimes_1, _invalid_registry, durations)
    yield Failure(CRI, "invalid plugin config: ", invalid)
    snapshotter = cri.table("containerd").get("snapshotter", "overlayfs")
    failed = "failed to create CRI service: "
    yield Failure(CRI, failed, _unknown_snapshotter(snapshotter, merged, files, version, disabled))
    yield Failure(CRI, f"{failed}failed to create stream server: ", _invalid_streaming(cri, files))
    yield Failure(CRI, failed, _missing_spec(cri, files))
    yield Failure(CRI, failed, _cni_blocked(cri, files))


def _failures_2(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> Iterator[Failure]:
    images, runtime, server = (plugin_settings(merged, plugin, version) for plugin in (IMAGES, RUNTIME, CRI))
    yield Failure(RUNTIME, "invalid plugin config: ", _first(runtime, invalid_runtimes_2, _durations(_DRAIN)))
    yield Failure(RUNTIME, "failed to create load basic oci spec: ", _missing_spec(runtime, files))
    yield Failure(IMAGES, "invalid cri image config: ", _first(images, _invalid_registry, _durations(_PULL)))
    snapshotter = images.get("snapshotter", "overlayfs")
    yield Failure(IMAGES, "", _unknown_snapshotter(snapshotter, merged, files, version, disabled))
    yield Failure(IMAGES, "", _invalid_platform(images))
    yield Failure(CRI, "invalid cri image config: ", _first(server, _durations(_IDLE)))
    yield Failure(CRI, "failed to get streaming config: ", _invalid_streaming(server, files))
    yield Failure(CRI, "failed to create CRI service: ", _cni_blocked(runtime, files))


_Check = Callable[[Settings], "str | None"]


def _first(settings: Settings, *checks: _Check) -> str | None:
    return next((said for check in checks if (said := check(settings))), None)


def _invalid_registry(plugin: Settings) -> str | None:
    registry = plugin.table("registry")
    if config_path_in_effect(registry):
        if registry.get("mirrors"):
            return CONFLICT_MIRRORS
        configs = registry.table("configs").tables()
        # 2.x has no `tls` any more, and ignores it as an unknown key.
        reads_tls = release_of(plugin.version).registry_tls
        if reads_tls and any(lookup(config.data, "tls", 1) is not None for _, config in configs):
            return CONFLICT_TLS
    unread = next((url for url in registry.get("auths", {}) if not is_url(url)), None)
    return f'failed to parse registry url "{unread}" from `registry.auths`' if unread is not None else None


def _durations(*keys: tuple[str, str]) -> _Check:
    def check(settings: Settings) -> str | None:
        texts = ((said, settings.get(key)) for key, said in keys)
        wrong = ((said, text) for said, text in texts if text and not is_duration(text))
        return next((f'{said}time: invalid duration "{text}"' for said, text in wrong), None)

    return check


def _invalid_streaming(server: Settings, files: FileSet) -> str | None:
    pair = server.table("x509_key_pair_streaming")
    cert, key = pair.get("tls_cert_file"), pair.get("tls_key_file")
    invalid = "invalid stream server configuration: "
    if not server.get("enable_tls_streaming", False):
        name = "TLSCertFile" if cert else "TLSKeyFile" if key else None
        return f"{invalid}{_X509}.{name} is set but EnableTLSStreaming is not set" if name else None
    if bool(cert) != bool(key):
        return f"{invalid}must set {_X509}.{'TLSKeyFile' if cert else 'TLSCertFile'}"
    missing = next((said for path in (cert, key) if path and (said := missing_file(path, files))), None)
    return f"failed to load x509 key pair for stream server: {missing}" if missing else None


def _missing_spec(plugin: Settings, files: FileSet) -> str | None:
    for path in base_specs(plugin):
        if missing := missing_file(path, files):
            return f"failed to load base OCI spec from file: {path}: failed to open base OCI spec: {path}: {missing}"
    return None


def _cni_blocked(plugin: Settings, files: FileSet) -> str | None:
    """CRI watches the directory of each runtime's CNI configuration, and makes it where it is missing."""
    named = [("default", plugin.table("cni").get("conf_dir"))]
    if "cni_conf_dir" in release_of(plugin.version).keys["config.Runtime"]:
        named += [(name, runtime.get("cni_conf_dir")) for name, runtime in runtimes_of(plugin).items()]
    for name, path in named:
        if said := blocked(path, files):
            for_watch = f"failed to create cni conf dir={path} for watch: {said}"
            return f"failed to create cni conf monitor for {name}: {for_watch}"
    return None


def _unknown_snapshotter(
    name: str, merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]
) -> str | None:
    missing = missing_snapshotter(name, merged, files, version, disabled)
    return f'failed to find snapshotter "{name}"' if missing else None


def _invalid_platform(images: Settings) -> str | None:
    for _, runtime in images.table("runtime_platforms").tables():
        platform = runtime.get("platform")
        if platform and not valid_platform(platform):
            return f'unable to parse platform "{platform}"'
    return None


_LINUX_V1 = "io.containerd.runtime.v1.linux"
_NO_DEVICES = "privileged_without_host_devices"


def invalid_runtimes_1(cri: Settings) -> str | None:
    """What 1.x says of its runtimes, None when they are valid."""
    containerd, runtimes = cri.table("containerd"), runtimes_of(cri)
    name = containerd.get("default_runtime_name", "runc")
    untrusted, default = containerd.table("untrusted_workload_runtime"), containerd.table("default_runtime")
    if untrusted.get("runtime_type"):
        if "untrusted" in runtimes:
            both = '`untrusted_workload_runtime` and `runtimes["untrusted"]`'
            return f"conflicting definitions: configuration includes both {both}"
        runtimes["untrusted"] = untrusted
    if default.get("runtime_type"):
        name, runtimes["default"] = "default", default
    return _invalid_default(name, runtimes) or _only_for_linux_v1(cri, runtimes[name], runtimes)


def invalid_runtimes_2(plugin: Settings) -> str | None:
    """What 2.x says of its runtimes and its CNI, None when they are valid."""
    runtimes = runtimes_of(plugin)
    name = plugin.table("containerd").get("default_runtime_name", "runc")
    return (
        _invalid_default(name, runtimes) or _invalid_cni(plugin) or _invalid_devices(runtimes) or _invalid_io(runtimes)
    )


def _invalid_default(name: str, runtimes: Mapping[str, Settings]) -> str | None:
    if not name:
        return "`default_runtime_name` is empty"
    if name not in runtimes:
        where = "in `containerd.runtimes` for `containerd`"
        return f'no corresponding runtime configured {where} `default_runtime_name = "{name}"'
    return None


def _only_for_linux_v1(cri: Settings, default: Settings, runtimes: Mapping[str, Settings]) -> str | None:
    for key, table in (("systemd_cgroup", cri), ("no_pivot", cri.table("containerd"))):
        if table.get(key, False) and default.get("runtime_type") != _LINUX_V1:
            return f"`{key}` only works for runtime {_LINUX_V1}"
    for runtime in runtimes.values():
        for key in ("runtime_engine", "runtime_root"):
            if runtime.get(key) and runtime.get("runtime_type") != _LINUX_V1:
                return f"`{key}` only works for runtime {_LINUX_V1}"
    return _invalid_devices(runtimes) if release_of(cri.version).checks_device_flags else None


def _invalid_devices(runtimes: Mapping[str, Settings]) -> str | None:
    for runtime in runtimes.values():
        if runtime.get(f"{_NO_DEVICES}_all_devices_allowed", False) and not runtime.get(_NO_DEVICES, False):
            return f"`{_NO_DEVICES}_all_devices_allowed` requires `{_NO_DEVICES}` to be enabled"
    return None


def _invalid_cni(plugin: Settings) -> str | None:
    cni = plugin.table("cni")
    if (
        release_of(plugin.version).names_cni_bin_dirs
        and cni.get("bin_dir")
        and cni.get("bin_dirs", []) not in ([], ["/opt/cni/bin"])
    ):
        return "`cni.bin_dir` and `cni.bin_dirs` cannot be set at the same time"
    return None


def _invalid_io(runtimes: Mapping[str, Settings]) -> str | None:
    if any(runtime.get("io_type") not in {"", "fifo", "streaming"} for runtime in runtimes.values()):
        return "`io_type` can only be `streaming` or `named_pipe`"
    return None
