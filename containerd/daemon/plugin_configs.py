"""The plugins of containerd: their ids, what else they decode, and which ones CRI cannot do without.

The ids and what happens without each were tried one by one on 1.6.20, 1.7.24 and 2.1.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from containerd.daemon.cri_config import cri_plugin, images_plugin, runtime_plugin
from containerd.daemon.gotypes import (
    BOOL,
    DURATION,
    FLOAT,
    INT,
    NANOSECONDS,
    STRING,
    STRINGS,
    Fields,
    ListOf,
    Scalar,
    Struct,
    fields,
)
from containerd.versions import Version, since

CRI = "io.containerd.grpc.v1.cri"
IMAGES = "io.containerd.cri.v1.images"
RUNTIME = "io.containerd.cri.v1.runtime"

_ROOT_PATH: Fields = {"root_path": STRING}
_COMMON: Mapping[str, Fields] = {
    "io.containerd.gc.v1.scheduler": {
        "pause_threshold": FLOAT,
        **fields(INT, "deletion_threshold", "mutation_threshold"),
        **fields(DURATION, "schedule_delay", "startup_delay"),
    },
    "io.containerd.internal.v1.opt": {"path": STRING},
    "io.containerd.metadata.v1.bolt": {"content_sharing_policy": STRING},
    "io.containerd.service.v1.diff-service": {"default": STRINGS},
    "io.containerd.service.v1.tasks-service": {"rdt_config_file": STRING},
    "io.containerd.snapshotter.v1.btrfs": _ROOT_PATH,
    "io.containerd.snapshotter.v1.native": _ROOT_PATH,
    "io.containerd.snapshotter.v1.zfs": _ROOT_PATH,
    "io.containerd.snapshotter.v1.overlayfs": {**_ROOT_PATH, "upperdir_label": BOOL},
    "io.containerd.snapshotter.v1.devmapper": {
        **fields(STRING, "root_path", "pool_name", "base_image_size", "fs_type", "fs_options"),
        **fields(BOOL, "async_remove", "discard_blocks"),
    },
    "io.containerd.tracing.processor.v1.otlp": {**fields(STRING, "endpoint", "protocol"), "insecure": BOOL},
    "io.containerd.internal.v1.tracing": {"service_name": STRING, "sampling_ratio": FLOAT},
    "io.containerd.runtime.v2.task": {"platforms": STRINGS},
}
_ONLY_1: Mapping[str, Fields] = {
    "io.containerd.monitor.v1.cgroups": {"no_prometheus": BOOL},
    "io.containerd.internal.v1.restart": {"interval": DURATION},
    "io.containerd.snapshotter.v1.aufs": _ROOT_PATH,
    "io.containerd.runtime.v1.linux": {
        **fields(STRING, "shim", "runtime", "runtime_root"),
        **fields(BOOL, "no_shim", "shim_debug"),
    },
}
_BLOCKFILE: Fields = {**fields(STRING, "root_path", "scratch_file", "fs_type"), "mount_options": STRINGS}
_UNPACK: Fields = fields(STRING, "platform", "snapshotter", "differ")
_TRANSFER: Fields = {
    **fields(INT, "max_concurrent_downloads", "max_concurrent_uploaded_layers"),
    "unpack_config": ListOf(Struct("transfer.unpackConfiguration", _UNPACK)),
    "config_path": STRING,
}


def _nri(timeout: Scalar) -> Fields:
    return {
        **fields(BOOL, "disable", "disable_connections"),
        **fields(STRING, "socket_path", "plugin_path", "plugin_config_path"),
        **fields(timeout, "plugin_registration_timeout", "plugin_request_timeout"),
    }


_FROM_1_7: Mapping[str, Fields] = {
    "io.containerd.service.v1.tasks-service": fields(STRING, "rdt_config_file", "blockio_config_file"),
    "io.containerd.snapshotter.v1.overlayfs": {
        **_ROOT_PATH,
        **fields(BOOL, "upperdir_label", "sync_remove"),
        "mount_options": STRINGS,
    },
    "io.containerd.snapshotter.v1.blockfile": _BLOCKFILE,
    "io.containerd.transfer.v1.local": _TRANSFER,
}
_ONLY_1_7: Mapping[str, Fields] = {"io.containerd.nri.v1.nri": _nri(NANOSECONDS)}
_SCHED_CORE: Mapping[str, Fields] = {"io.containerd.runtime.v2.task": {"platforms": STRINGS, "sched_core": BOOL}}
_FROM_2: Mapping[str, Fields] = {
    "io.containerd.nri.v1.nri": _nri(DURATION),
    "io.containerd.monitor.task.v1.cgroups": {"no_prometheus": BOOL},
    "io.containerd.monitor.container.v1.restart": {"interval": DURATION},
    "io.containerd.shim.v1.manager": {"env": STRINGS},
    "io.containerd.image-verifier.v1.bindir": {
        "bin_dir": STRING,
        "max_verifiers": INT,
        "per_verifier_timeout": DURATION,
    },
    "io.containerd.metadata.v1.bolt": {"content_sharing_policy": STRING, "no_sync": BOOL},
    "io.containerd.service.v1.diff-service": {"default": STRINGS, "sync_fs": BOOL},
    "io.containerd.snapshotter.v1.overlayfs": {
        **_ROOT_PATH,
        **fields(BOOL, "upperdir_label", "sync_remove", "slow_chown"),
        "mount_options": STRINGS,
    },
    "io.containerd.snapshotter.v1.blockfile": {**_BLOCKFILE, "recreate_scratch": BOOL},
    "io.containerd.snapshotter.v1.erofs": {
        "root_path": STRING,
        "ovl_mount_options": STRINGS,
        **fields(BOOL, "enable_fsverity", "set_immutable"),
    },
    "io.containerd.differ.v1.erofs": {"mkfs_options": STRINGS},
}
_SIZES: Fields = fields(INT, "max_recv_message_size", "max_send_message_size")
_FROM_2_3: Mapping[str, Fields] = {
    "io.containerd.server.v1.grpc": {"address": STRING, **fields(INT, "uid", "gid"), **_SIZES},
    "io.containerd.server.v1.grpc-tcp": {
        **fields(STRING, "address", "tls_ca", "tls_cert", "tls_key", "tls_common_name"),
        **_SIZES,
    },
    "io.containerd.server.v1.ttrpc": {"address": STRING, **fields(INT, "uid", "gid")},
    "io.containerd.server.v1.debug": {"address": STRING, **fields(INT, "uid", "gid")},
    "io.containerd.server.v1.metrics": {"address": STRING},
    "io.containerd.metrics.v1.grpc-prometheus": {"grpc_histogram": BOOL},
}


@lru_cache(maxsize=64)
def plugin_types(version: Version) -> Mapping[str, Struct]:
    """What each plugin that takes a configuration decodes, by plugin URI."""
    if version.major == 1:
        layers = [_COMMON, _ONLY_1, *([_FROM_1_7, _ONLY_1_7] if since(version, (1, 7, 0)) else [])]
        layers += [_SCHED_CORE] if since(version, (1, 6, 0)) else []
        cri = {CRI: cri_plugin(version)}
    else:
        layers = [_COMMON, _FROM_1_7, _FROM_2, *([_FROM_2_3] if since(version, (2, 3, 0)) else [])]
        cri = {IMAGES: images_plugin(version), RUNTIME: runtime_plugin(version), CRI: cri_plugin(version)}
    decoded = {uri: keys for layer in layers for uri, keys in layer.items()}
    return {**{uri: Struct(f"{uri} config", keys) for uri, keys in decoded.items()}, **cri}
