"""The keys of the CRI plugins that containerd decodes, version by version: one plugin in 1.x, three in 2.x."""

from __future__ import annotations

from functools import lru_cache

from containerd.daemon.gotypes import ANY, BOOL, INT, STRING, STRING_MAP, STRINGS, Fields, ListOf, MapOf, Struct, fields
from containerd.versions import Version, since

_AUTH = Struct("config.AuthConfig", fields(STRING, "username", "password", "auth", "identitytoken"))
_TLS = Struct("config.TLSConfig", {"insecure_skip_verify": BOOL, **fields(STRING, "ca_file", "cert_file", "key_file")})
_X509: Fields = {
    "x509_key_pair_streaming": Struct("X509KeyPairStreaming", fields(STRING, "tls_cert_file", "tls_key_file"))
}
_SERVER: Fields = {
    **fields(BOOL, "disable_tcp_service", "enable_tls_streaming"),
    **fields(STRING, "stream_server_address", "stream_server_port", "stream_idle_timeout"),
    **_X509,
}
_DECRYPTION: Fields = {"image_decryption": Struct("config.ImageDecryption", {"key_model": STRING})}
_RUNTIME_1: Fields = {
    **fields(STRING, "runtime_type", "runtime_engine", "runtime_root", "base_runtime_spec"),
    **fields(STRINGS, "pod_annotations", "container_annotations"),
    "options": MapOf(ANY),
    "privileged_without_host_devices": BOOL,
}
_RUNTIME_1_6: Fields = {**_RUNTIME_1, **fields(STRING, "runtime_path", "cni_conf_dir"), "cni_max_conf_num": INT}
_RUNTIME_1_7: Fields = {
    **_RUNTIME_1_6,
    "privileged_without_host_devices_all_devices_allowed": BOOL,
    **fields(STRING, "snapshotter", "sandbox_mode"),
}
_RUNTIME_2: Fields = {
    **{
        key: type_
        for key, type_ in _RUNTIME_1_7.items()
        if key not in {"runtime_engine", "runtime_root", "sandbox_mode"}
    },
    "sandboxer": STRING,
}
_RUNTIME_2_1: Fields = {**_RUNTIME_2, "cgroup_writable": BOOL, "io_type": STRING}
_CNI: Fields = {**fields(STRING, "bin_dir", "conf_dir", "conf_template"), "max_conf_num": INT}
_CNI_1_7: Fields = {**_CNI, "ip_pref": STRING, "setup_serially": BOOL}
_CNI_2: Fields = {**_CNI_1_7, "use_internal_loopback": BOOL}
_CNI_2_1: Fields = {**_CNI_2, "bin_dirs": STRINGS}
_PULLS: Fields = {"image_pull_progress_timeout": STRING, "image_pull_with_sync_fs": BOOL}
_RUNTIME_PLUGIN: Fields = {
    **fields(BOOL, "enable_selinux", "disable_apparmor", "restrict_oom_score_adj", "disable_proc_mount"),
    **fields(BOOL, "tolerate_missing_hugetlb_controller", "disable_hugetlb_controller"),
    **fields(BOOL, "device_ownership_from_security_context", "ignore_image_defined_volumes"),
    **fields(BOOL, "netns_mounts_under_state_dir"),
    **fields(INT, "selinux_category_range", "max_container_log_line_size"),
    "unset_seccomp_profile": STRING,
}
_UNPRIVILEGED: Fields = fields(BOOL, "enable_unprivileged_ports", "enable_unprivileged_icmp")
_CDI: Fields = {
    "enable_cdi": BOOL,
    "cdi_spec_dirs": STRINGS,
    "drain_exec_sync_io_timeout": STRING,
    "ignore_deprecation_warnings": STRINGS,
}


def _registry(version: Version) -> Struct:
    tls: Fields = {"tls": _TLS} if version.major == 1 else {}
    return Struct(
        "config.Registry",
        {
            "config_path": STRING,
            "mirrors": MapOf(Struct("config.Mirror", {"endpoint": STRINGS})),
            "configs": MapOf(Struct("config.RegistryConfig", {"auth": _AUTH, **tls})),
            "auths": MapOf(_AUTH),
            "headers": MapOf(ListOf(STRING)),
        },
    )


@lru_cache(maxsize=64)
def cri_plugin(version: Version) -> Struct:
    """The type of `io.containerd.grpc.v1.cri`: all of CRI in 1.x, its server alone in 2.x."""
    if version.major > 1:
        return Struct("config.ServerConfig", _SERVER)
    is_1_6, is_1_7 = since(version, (1, 6, 0)), since(version, (1, 7, 0))
    runtime = Struct("config.Runtime", _RUNTIME_1_7 if is_1_7 else _RUNTIME_1_6 if is_1_6 else _RUNTIME_1)
    containerd: Fields = {
        **fields(STRING, "snapshotter", "default_runtime_name"),
        **fields(BOOL, "no_pivot", "disable_snapshot_annotations", "discard_unpacked_layers"),
        **(fields(BOOL, "ignore_rdt_not_enabled_errors") if is_1_6 else {}),
        **(fields(BOOL, "ignore_blockio_not_enabled_errors") if is_1_7 else {}),
        **dict.fromkeys(("default_runtime", "untrusted_workload_runtime"), runtime),
        "runtimes": MapOf(runtime),
    }
    cni: Fields = _CNI_1_7 if is_1_7 else {**_CNI, "ip_pref": STRING} if is_1_6 else _CNI
    return Struct(
        "config.PluginConfig",
        {
            **_SERVER,
            **_RUNTIME_PLUGIN,
            **_DECRYPTION,
            **fields(BOOL, "systemd_cgroup", "disable_cgroup"),
            **fields(INT, "stats_collect_period", "max_concurrent_downloads"),
            "sandbox_image": STRING,
            "containerd": Struct("config.ContainerdConfig", containerd),
            "cni": Struct("config.CniConfig", cni),
            "registry": _registry(version),
            **(_UNPRIVILEGED if is_1_6 else {}),
            **({**_CDI, **_PULLS} if is_1_7 else {}),
        },
    )


@lru_cache(maxsize=64)
def images_plugin(version: Version) -> Struct:
    """The type of `io.containerd.cri.v1.images` of 2.x."""
    platform = Struct("config.ImagePlatform", fields(STRING, "platform", "snapshotter"))
    newer: Fields = {"concurrent_layer_fetch_buffer": INT, "use_local_image_pull": BOOL}
    return Struct(
        "config.ImageConfig",
        {
            "snapshotter": STRING,
            **fields(BOOL, "disable_snapshot_annotations", "discard_unpacked_layers"),
            "pinned_images": STRING_MAP,
            "runtime_platforms": MapOf(platform),
            "registry": _registry(version),
            **_DECRYPTION,
            **fields(INT, "max_concurrent_downloads", "stats_collect_period"),
            **_PULLS,
            **(newer if since(version, (2, 1, 0)) else {}),
        },
    )


@lru_cache(maxsize=64)
def runtime_plugin(version: Version) -> Struct:
    """The type of `io.containerd.cri.v1.runtime` of 2.x."""
    is_2_1 = since(version, (2, 1, 0))
    containerd: Fields = {
        "default_runtime_name": STRING,
        "runtimes": MapOf(Struct("config.Runtime", _RUNTIME_2_1 if is_2_1 else {**_RUNTIME_2, "io_type": STRING})),
        **fields(BOOL, "ignore_blockio_not_enabled_errors", "ignore_rdt_not_enabled_errors"),
    }
    return Struct(
        "config.RuntimeConfig",
        {
            **_RUNTIME_PLUGIN,
            **_UNPRIVILEGED,
            **_CDI,
            "containerd": Struct("config.ContainerdConfig", containerd),
            "cni": Struct("config.CniConfig", _CNI_2_1 if is_2_1 else _CNI_2),
        },
    )
