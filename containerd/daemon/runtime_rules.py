"""What CRI's runtimes must be, by ValidatePluginConfig of 1.x and ValidateRuntimeConfig of 2.x."""

from __future__ import annotations

from collections.abc import Mapping

from containerd.daemon.settings import Settings, runtimes_of
from containerd.releases import release_of

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
