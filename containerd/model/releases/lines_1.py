"""containerd 1.5, and what came with 1.6 and 1.7."""

from __future__ import annotations

from dataclasses import replace

from containerd.model.go_types import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    NANOSECONDS,
    STRING,
    STRING_MAP,
    STRINGS,
    Fields,
    ListOf,
    MapOf,
    fields,
)
from containerd.model.releases.record import CRI, HostsFile, Release, Row, ref, uris

SHAPE_OF_CRI: Fields = {
    **fields(BOOL, "disable_tcp_service", "enable_tls_streaming"),
    **fields(STRING, "stream_server_address", "stream_server_port", "stream_idle_timeout"),
    "x509_key_pair_streaming": ref("config.X509KeyPairStreaming"),
}
RUNTIME_KEYS: Fields = {
    **fields(BOOL, "enable_selinux", "disable_apparmor", "restrict_oom_score_adj", "disable_proc_mount"),
    **fields(BOOL, "tolerate_missing_hugetlb_controller", "disable_hugetlb_controller"),
    **fields(BOOL, "ignore_image_defined_volumes", "netns_mounts_under_state_dir"),
    **fields(INT, "selinux_category_range", "max_container_log_line_size"),
    "unset_seccomp_profile": STRING,
}
_ROOT_PATH: Fields = {"root_path": STRING}
_LISTENER: Fields = {"address": STRING, **fields(INT, "uid", "gid")}
SIZES: Fields = fields(INT, "max_recv_message_size", "max_send_message_size")

_SERVER_KEYS: dict[str, Fields] = {
    "config.Config": {
        **fields(INT, "version", "oom_score"),
        **fields(STRING, "root", "state", "plugin_dir"),
        **fields(STRINGS, "disabled_plugins", "required_plugins", "imports"),
        "grpc": ref("config.GRPCConfig"),
        "ttrpc": ref("config.TTRPCConfig"),
        "debug": ref("config.Debug"),
        "metrics": ref("config.MetricsConfig"),
        "cgroup": ref("config.CgroupConfig"),
        "plugins": MapOf(MapOf(ANY)),
        "proxy_plugins": MapOf(ref("config.ProxyPlugin")),
        "timeouts": STRING_MAP,
        "stream_processors": MapOf(ref("config.StreamProcessor")),
    },
    "config.GRPCConfig": {**_LISTENER, **fields(STRING, "tcp_address", "tcp_tls_cert", "tcp_tls_key"), **SIZES},
    "config.TTRPCConfig": _LISTENER,
    "config.Debug": {**_LISTENER, **fields(STRING, "level", "format")},
    "config.MetricsConfig": {"address": STRING, "grpc_histogram": BOOL},
    "config.CgroupConfig": {"path": STRING},
    "config.ProxyPlugin": fields(STRING, "type", "address"),
    "config.StreamProcessor": {**fields(STRINGS, "accepts", "args", "env"), **fields(STRING, "returns", "path")},
}
_CRI_KEYS: dict[str, Fields] = {
    CRI: {
        **SHAPE_OF_CRI,
        **RUNTIME_KEYS,
        **fields(BOOL, "systemd_cgroup", "disable_cgroup"),
        **fields(INT, "stats_collect_period", "max_concurrent_downloads"),
        "sandbox_image": STRING,
        "containerd": ref("config.ContainerdConfig"),
        "cni": ref("config.CniConfig"),
        "registry": ref("config.Registry"),
        "image_decryption": ref("config.ImageDecryption"),
    },
    "config.X509KeyPairStreaming": fields(STRING, "tls_cert_file", "tls_key_file"),
    "config.ImageDecryption": {"key_model": STRING},
    "config.ContainerdConfig": {
        **fields(STRING, "snapshotter", "default_runtime_name"),
        **fields(BOOL, "no_pivot", "disable_snapshot_annotations", "discard_unpacked_layers"),
        **fields(ref("config.Runtime"), "default_runtime", "untrusted_workload_runtime"),
        "runtimes": MapOf(ref("config.Runtime")),
    },
    "config.Runtime": {
        **fields(STRING, "runtime_type", "runtime_engine", "runtime_root", "base_runtime_spec"),
        **fields(STRINGS, "pod_annotations", "container_annotations"),
        "options": MapOf(ANY),
        "privileged_without_host_devices": BOOL,
    },
    "config.CniConfig": {**fields(STRING, "bin_dir", "conf_dir", "conf_template"), "max_conf_num": INT},
    "config.Registry": {
        "config_path": STRING,
        "mirrors": MapOf(ref("config.Mirror")),
        "configs": MapOf(ref("config.RegistryConfig")),
        "auths": MapOf(ref("config.AuthConfig")),
        "headers": MapOf(ListOf(STRING)),
    },
    "config.Mirror": {"endpoint": STRINGS},
    "config.RegistryConfig": {"auth": ref("config.AuthConfig"), "tls": ref("config.TLSConfig")},
    "config.AuthConfig": fields(STRING, "username", "password", "auth", "identitytoken"),
    "config.TLSConfig": {"insecure_skip_verify": BOOL, **fields(STRING, "ca_file", "cert_file", "key_file")},
}
_PLUGIN_KEYS: dict[str, Fields] = {
    "io.containerd.gc.v1.scheduler": {
        "pause_threshold": FLOAT,
        **fields(INT, "deletion_threshold", "mutation_threshold"),
        **fields(DURATION, "schedule_delay", "startup_delay"),
    },
    "io.containerd.internal.v1.opt": {"path": STRING},
    "io.containerd.internal.v1.restart": {"interval": DURATION},
    "io.containerd.metadata.v1.bolt": {"content_sharing_policy": STRING},
    "io.containerd.monitor.v1.cgroups": {"no_prometheus": BOOL},
    "io.containerd.runtime.v1.linux": {
        **fields(STRING, "shim", "runtime", "runtime_root"),
        **fields(BOOL, "no_shim", "shim_debug"),
    },
    "io.containerd.runtime.v2.task": {"platforms": STRINGS},
    "io.containerd.service.v1.diff-service": {"default": STRINGS},
    **{f"io.containerd.snapshotter.v1.{name}": _ROOT_PATH for name in ("aufs", "btrfs", "native", "overlayfs", "zfs")},
    "io.containerd.snapshotter.v1.devmapper": {
        **fields(STRING, "root_path", "pool_name", "base_image_size"),
        "async_remove": BOOL,
    },
}

V1_5 = Release(
    number=(1, 5, 0),
    config_version=2,
    checks_config_version=False,
    merge="plugins replaced",
    refuses_newer_imports=False,
    globs_from_importer=False,
    short_names="read",
    checks_plugin_prefix=False,
    toml="go-toml 1",
    durations=DURATION,
    registry_plugin=CRI,
    registry_tls=True,
    built_in_config_path="no",
    pull_path="client",
    hosts=HostsFile(),
    names_cni_bin_dirs=False,
    listeners_are_plugins=False,
    adds_runtimes=False,
    empty_snapshotter_is_default=True,
    strict_plugins=False,
    checks_device_flags=False,
    nri_by_default=False,
    tracing_by_file=True,
    health=(("io.containerd.grpc.v1", "cri"),),
    proxy_types={"snapshot": "io.containerd.snapshotter.v1", "content": "io.containerd.content.v1"},
    keys={**_SERVER_KEYS, **_CRI_KEYS, **_PLUGIN_KEYS},
    needed=uris("""
        content.v1 content
        metadata.v1 bolt
        differ.v1 walking
        event.v1 exchange
        gc.v1 scheduler
        runtime.v1 linux
        runtime.v2 task
        service.v1 introspection-service containers-service content-service diff-service images-service
        service.v1 leases-service namespaces-service snapshots-service tasks-service
    """),
    plugins=uris("""
        content.v1 content
        metadata.v1 bolt
        differ.v1 walking
        event.v1 exchange
        gc.v1 scheduler
        runtime.v1 linux
        runtime.v2 task
        service.v1 introspection-service containers-service content-service diff-service images-service
        service.v1 leases-service namespaces-service snapshots-service tasks-service
        snapshotter.v1 aufs btrfs devmapper native overlayfs zfs
        grpc.v1 introspection containers content diff events healthcheck images leases namespaces snapshots tasks
        grpc.v1 version cri
        internal.v1 opt restart
        monitor.v1 cgroups
    """),
)

_OVERLAY = "io.containerd.snapshotter.v1.overlayfs"
_BACKPORTED: dict[str, Fields] = {_OVERLAY: {"sync_remove": BOOL, "mount_options": STRINGS}}

ROWS_1 = (
    Row(
        (1, 6, 0),
        "config default of 1.6.39 beside that of 1.5.18; 1.6.20",
        keys={
            "config.Config": {"temp": STRING},
            "config.GRPCConfig": {"tcp_tls_ca": STRING},
            CRI: fields(
                BOOL,
                "device_ownership_from_security_context",
                "enable_unprivileged_icmp",
                "enable_unprivileged_ports",
            ),
            "config.ContainerdConfig": {"ignore_rdt_not_enabled_errors": BOOL},
            "config.Runtime": {**fields(STRING, "runtime_path", "cni_conf_dir"), "cni_max_conf_num": INT},
            "config.CniConfig": {"ip_pref": STRING},
            "io.containerd.runtime.v2.task": {"sched_core": BOOL},
            "io.containerd.service.v1.tasks-service": {"rdt_config_file": STRING},
            "io.containerd.snapshotter.v1.devmapper": {
                "discard_blocks": BOOL,
                **fields(STRING, "fs_type", "fs_options"),
            },
            _OVERLAY: {"upperdir_label": BOOL},
            "io.containerd.tracing.processor.v1.otlp": {**fields(STRING, "endpoint", "protocol"), "insecure": BOOL},
            "io.containerd.internal.v1.tracing": {"service_name": STRING, "sampling_ratio": FLOAT},
        },
        plugins=uris("""
            tracing.processor.v1 otlp
            internal.v1 tracing
        """),
        facts=lambda was: replace(was, hosts=HostsFile(override_path=True)),
    ),
    Row(
        (1, 6, 0),
        "Debian's 1.6.20~ds1",
        without=uris("""
            tracing.processor.v1 otlp
            internal.v1 tracing
        """),
        build="~ds",
    ),
    Row((1, 6, 23), "containerd #8961; 1.6.39", keys=_BACKPORTED, measured=False),
    Row(
        (1, 6, 25),
        "config default of 1.6.39; its patch from the notes of 1.6.25",
        keys={CRI: {"drain_exec_sync_io_timeout": STRING, "ignore_deprecation_warnings": STRINGS}},
        measured=False,
    ),
    Row((1, 6, 29), "containerd #9745", facts=lambda was: replace(was, globs_from_importer=True)),
    Row((1, 6, 32), "version check of 1.6.39", facts=lambda was: replace(was, checks_config_version=True)),
    Row(
        (1, 7, 0),
        "config default of 1.7.34 beside that of 1.6.39; 1.7.24",
        keys={
            **_BACKPORTED,
            CRI: {
                **fields(BOOL, "enable_cdi", "image_pull_with_sync_fs"),
                **fields(STRING, "image_pull_progress_timeout", "drain_exec_sync_io_timeout"),
                **fields(STRINGS, "cdi_spec_dirs", "ignore_deprecation_warnings"),
            },
            "config.ContainerdConfig": {"ignore_blockio_not_enabled_errors": BOOL},
            "config.Runtime": {
                "privileged_without_host_devices_all_devices_allowed": BOOL,
                **fields(STRING, "snapshotter", "sandbox_mode"),
            },
            "config.CniConfig": {"setup_serially": BOOL},
            "config.ProxyPlugin": {"platform": STRING, "exports": STRING_MAP, "capabilities": STRINGS},
            "io.containerd.nri.v1.nri": {
                **fields(BOOL, "disable", "disable_connections"),
                **fields(STRING, "socket_path", "plugin_path", "plugin_config_path"),
                **fields(NANOSECONDS, "plugin_registration_timeout", "plugin_request_timeout"),
            },
            "io.containerd.service.v1.diff-service": {"sync_fs": BOOL},
            "io.containerd.service.v1.tasks-service": {"blockio_config_file": STRING},
            "io.containerd.snapshotter.v1.blockfile": {
                **fields(STRING, "root_path", "scratch_file", "fs_type"),
                "mount_options": STRINGS,
            },
            "io.containerd.transfer.v1.local": {
                **fields(INT, "max_concurrent_downloads", "max_concurrent_uploaded_layers"),
                "unpack_config": ListOf(ref("transfer.unpackConfiguration")),
                "config_path": STRING,
            },
            "transfer.unpackConfiguration": fields(STRING, "platform", "snapshotter", "differ"),
        },
        # The manager of leases takes the place of their service.
        without=uris("service.v1 leases-service"),
        needed=uris("""
            warning.v1 deprecations
            lease.v1 manager
            runtime.v2 shim
            sandbox.store.v1 local
            sandbox.controller.v1 local
        """),
        plugins=uris("""
            snapshotter.v1 blockfile
            streaming.v1 manager
            grpc.v1 sandbox-controllers sandboxes streaming transfer
            transfer.v1 local
            nri.v1 nri
        """),
        facts=lambda was: replace(
            was,
            checks_plugin_prefix=True,
            checks_device_flags=True,
            proxy_types={**was.proxy_types, "diff": "io.containerd.differ.v1"},
        ),
    ),
    Row((1, 7, 14), "containerd #9745", facts=lambda was: replace(was, globs_from_importer=True)),
    Row((1, 7, 17), "version check of 1.7.34", facts=lambda was: replace(was, checks_config_version=True)),
    Row(
        (1, 7, 32),
        "containerd #10027",
        facts=lambda was: replace(was, hosts=replace(was.hosts, server_alone=True)),
        measured=False,
    ),
)
