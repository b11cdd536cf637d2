"""What came with containerd 2.0 and later."""

from __future__ import annotations

from dataclasses import replace

from containerd.model.go_types import (
    ANY,
    BOOL,
    DURATION,
    INT,
    NANOSECONDS,
    STRING,
    STRING_MAP,
    STRINGS,
    Fields,
    MapOf,
    fields,
)
from containerd.model.releases.lines_1 import RUNTIME_KEYS, SIZES
from containerd.model.releases.record import CRI, IMAGES, RUNTIME, HostsFile, Row, ref, uris

_EROFS = "io.containerd.snapshotter.v1.erofs"
_EROFS_DIFFER = "io.containerd.differ.v1.erofs"
_NRI = "io.containerd.nri.v1.nri"
_TRANSFER = "io.containerd.transfer.v1.local"
_SERVER = "io.containerd.server.v1"
_MOVED_FROM_CRI = " ".join(
    [
        *RUNTIME_KEYS,
        "systemd_cgroup disable_cgroup stats_collect_period max_concurrent_downloads sandbox_image containerd cni",
        "registry image_decryption device_ownership_from_security_context enable_unprivileged_icmp",
        "enable_unprivileged_ports enable_cdi image_pull_with_sync_fs image_pull_progress_timeout",
        "drain_exec_sync_io_timeout cdi_spec_dirs ignore_deprecation_warnings",
    ]
)
_CRIU: Fields = {"enable_criu": BOOL}

ROWS_2 = (
    Row(
        (2, 0, 0),
        "config default of 2.0.11 beside that of 1.7.34",
        keys={
            "config.Config": {"plugins": MapOf(ANY)},
            IMAGES: {
                "snapshotter": STRING,
                **fields(BOOL, "disable_snapshot_annotations", "discard_unpacked_layers", "image_pull_with_sync_fs"),
                **fields(INT, "max_concurrent_downloads", "stats_collect_period"),
                "image_pull_progress_timeout": STRING,
                "pinned_images": STRING_MAP,
                "runtime_platforms": MapOf(ref("config.ImagePlatform")),
                "registry": ref("config.Registry"),
                "image_decryption": ref("config.ImageDecryption"),
            },
            "config.ImagePlatform": fields(STRING, "platform", "snapshotter"),
            RUNTIME: {
                **RUNTIME_KEYS,
                **fields(BOOL, "device_ownership_from_security_context", "enable_unprivileged_icmp"),
                **fields(BOOL, "enable_unprivileged_ports", "enable_cdi"),
                **fields(STRINGS, "cdi_spec_dirs", "ignore_deprecation_warnings"),
                "drain_exec_sync_io_timeout": STRING,
                "containerd": ref("config.ContainerdConfig"),
                "cni": ref("config.CniConfig"),
            },
            "config.Runtime": fields(STRING, "sandboxer", "io_type"),
            "config.CniConfig": {"use_internal_loopback": BOOL},
            "io.containerd.monitor.task.v1.cgroups": {"no_prometheus": BOOL},
            "io.containerd.monitor.container.v1.restart": {"interval": DURATION},
            "io.containerd.shim.v1.manager": {"env": STRINGS},
            "io.containerd.image-verifier.v1.bindir": {
                "bin_dir": STRING,
                "max_verifiers": INT,
                "per_verifier_timeout": DURATION,
            },
            _NRI: fields(DURATION, "plugin_registration_timeout", "plugin_request_timeout"),
            "io.containerd.snapshotter.v1.overlayfs": {"slow_chown": BOOL},
            "io.containerd.snapshotter.v1.blockfile": {"recreate_scratch": BOOL},
        },
        gone={
            CRI: _MOVED_FROM_CRI,
            "config.Runtime": "runtime_engine runtime_root sandbox_mode",
            "io.containerd.runtime.v2.task": "sched_core",
            "config.RegistryConfig": "tls",
            "config.ContainerdConfig": "snapshotter no_pivot disable_snapshot_annotations discard_unpacked_layers "
            "default_runtime untrusted_workload_runtime",
        },
        without=uris("""
            runtime.v1 linux
            runtime.v2 shim
            snapshotter.v1 aufs
            monitor.v1 cgroups
            internal.v1 restart
            sandbox.controller.v1 local
        """),
        needed=uris("""
            shim.v1 manager
            sandbox.controller.v1 shim
            podsandbox.controller.v1 podsandbox
            cri.v1 images runtime
        """),
        plugins=uris("""
            image-verifier.v1 bindir
            monitor.task.v1 cgroups
            monitor.container.v1 restart
            ttrpc.v1 otelttrpc
        """),
        facts=lambda was: replace(
            was,
            config_version=3,
            checks_config_version=True,
            merge="whole migrated",
            globs_from_importer=True,
            short_names="ignored",
            checks_plugin_prefix=False,
            toml="go-toml 2",
            registry_plugin=IMAGES,
            registry_tls=False,
            hosts=HostsFile(override_path=True, server_alone=True),
            adds_runtimes=True,
            nri_by_default=True,
            tracing_by_file=False,
            empty_snapshotter_is_default=False,
            strict_plugins=True,
            health=(*was.health, ("io.containerd.cri.v1", "images"), ("io.containerd.cri.v1", "runtime")),
            proxy_types={**was.proxy_types, "sandbox": "io.containerd.sandbox.controller.v1"},
        ),
    ),
    Row((2, 0, 7), "notes of 2.0.7", facts=lambda was: replace(was, hosts=_dials(was.hosts)), measured=False),
    Row(
        (2, 1, 0),
        "config default of 2.1.9 beside that of 2.0.11; the pull path from its notes (containerd #12808)",
        keys={
            IMAGES: {"concurrent_layer_fetch_buffer": INT, "use_local_image_pull": BOOL},
            "config.Runtime": {"cgroup_writable": BOOL},
            "config.CniConfig": {"bin_dirs": STRINGS},
            _EROFS: {
                "root_path": STRING,
                "ovl_mount_options": STRINGS,
                **fields(BOOL, "enable_fsverity", "set_immutable"),
            },
            _EROFS_DIFFER: {"mkfs_options": STRINGS},
            "io.containerd.metadata.v1.bolt": {"no_sync": BOOL},
            _TRANSFER: {"concurrent_layer_fetch_buffer": INT, "check_platform_supported": BOOL},
        },
        gone={"config.Config": "plugin_dir"},
        needed=uris("""
            transfer.v1 local
            image-verifier.v1 bindir
            snapshotter.v1 overlayfs
        """),
        plugins=uris("""
            snapshotter.v1 erofs
            differ.v1 erofs
        """),
        facts=lambda was: replace(was, pull_path="transfer", names_cni_bin_dirs=True, hosts=_dials(was.hosts)),
    ),
    Row(
        (2, 1, 0),
        "Debian's 2.1.9: a build without a revision has the distribution's go-toml",
        facts=lambda was: replace(was, toml="go-toml 2.4", durations=NANOSECONDS),
        build="+unknown",
    ),
    Row(
        (2, 2, 0),
        "config default of 2.2.0 beside that of 2.1.9; config_path: containerd #12612",
        keys={
            "config.GRPCConfig": {"tcp_tls_common_name": STRING},
            _EROFS: {"default_size": STRING},
            _EROFS_DIFFER: {"enable_tar_index": BOOL},
            _NRI: {"default_validator": ref("validator.DefaultValidatorConfig")},
            "validator.DefaultValidatorConfig": {
                **fields(BOOL, "enable", "reject_oci_hook_adjustment", "reject_runtime_default_seccomp_adjustment"),
                **fields(BOOL, "reject_unconfined_seccomp_adjustment", "reject_custom_seccomp_adjustment"),
                "reject_namespace_adjustment": BOOL,
                "required_plugins": STRINGS,
                "tolerate_missing_plugins_annotation": STRING,
            },
            _TRANSFER: {"max_concurrent_unpacks": INT},
        },
        needed=uris("mount-manager.v1 bolt"),
        plugins=uris("""
            mount-handler.v1 erofs
            grpc.v1 mounts
        """),
        facts=lambda was: replace(was, built_in_config_path="before files", hosts=replace(was.hosts, referrers=True)),
    ),
    Row((2, 2, 2), "containerd #12612, #12617", facts=lambda was: replace(was, built_in_config_path="where unset")),
    Row(
        (2, 2, 2),
        "config default of 2.2.7 beside that of 2.2.0: which patch between them is not known",
        keys={
            RUNTIME: {**_CRIU, "enable_experimental_restore_via_create": BOOL},
            "validator.DefaultValidatorConfig": {"reject_sysctl_adjustment": BOOL},
        },
        measured=False,
    ),
    Row(
        (2, 3, 0),
        "config default of 2.3.4 beside that of 2.2.7; imports: containerd #12891",
        keys={
            "config.Debug": {"log_trace_id": BOOL},
            RUNTIME: {
                **_CRIU,
                "enable_experimental_restore_via_create": BOOL,
                **fields(STRING, "stats_collect_period", "stats_retention_period"),
            },
            "validator.DefaultValidatorConfig": {"reject_sysctl_adjustment": BOOL},
            _EROFS: {"dmverity_mode": STRING},
            _EROFS_DIFFER: {"enable_dmverity": BOOL},
            "io.containerd.shim.v1.manager": {"socket_dir": STRING},
            "io.containerd.metrics.v1.grpc-prometheus": {"grpc_histogram": BOOL},
            **{
                f"{_SERVER}.{name}": {"address": STRING, **fields(INT, "uid", "gid")}
                for name in ("grpc", "ttrpc", "debug")
            },
            f"{_SERVER}.grpc-tcp": {
                **fields(STRING, "address", "tls_ca", "tls_cert", "tls_key", "tls_common_name"),
                **SIZES,
            },
            f"{_SERVER}.metrics": {"address": STRING},
        },
        plugins=uris("""
            server.v1 grpc grpc-tcp ttrpc metrics debug
            metrics.v1 grpc-prometheus
        """),
        facts=lambda was: replace(
            was,
            config_version=4,
            merge="each migrated",
            refuses_newer_imports=True,
            short_names="migrated",
            built_in_config_path="where unset",
            listeners_are_plugins=True,
        ),
    ),
    Row(
        (2, 3, 0),
        "containerd's plugins/server/grpc, v2.3",
        keys={f"{_SERVER}.grpc": SIZES},
        plugins=uris("""
            metrics.v1 grpc-otel
            http.v1 pprof
        """),
        measured=False,
    ),
    Row(
        (2, 3, 5),
        "containerd 1125b053f",
        facts=lambda was: replace(was, refuses_newer_imports=False),
        measured=False,
    ),
    Row(
        (2, 4, 0),
        "main of August 2026 (2.4.0-beta.0), which is not released: config default beside that of 2.3.4",
        keys={"config.Runtime": {"disable_pause_image_pull": BOOL}, _EROFS: {"layer_content_caches": STRINGS}},
        gone={RUNTIME: "enable_experimental_restore_via_create"},
        facts=lambda was: replace(was, refuses_newer_imports=False, toml="go-toml 2.4", durations=NANOSECONDS),
    ),
)


def _dials(hosts: HostsFile) -> HostsFile:
    return replace(hosts, dial_timeout=True)
