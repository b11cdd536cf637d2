"""The plugins of containerd by version, and which ones CRI cannot do without.

Tried one by one on 1.6.20, 1.7.24 and 2.1.9: each disabled, each required.
"""

from __future__ import annotations

import re

from containerd.versions import Version, since

_VERSIONED = re.compile(r"\.v[0-9]+\.")


def _uris(text: str) -> frozenset[str]:
    """Lines of a type and the ids that it has."""
    lines = (line.split() for line in text.splitlines())
    return frozenset(f"io.containerd.{words[0]}.{name}" for words in lines if words for name in words[1:])


# Without one of these CRI fails.
_NEEDED = _uris("""
    content.v1 content
    metadata.v1 bolt
    differ.v1 walking
    event.v1 exchange
    gc.v1 scheduler
    runtime.v2 task
    service.v1 introspection-service containers-service content-service diff-service images-service
    service.v1 namespaces-service snapshots-service tasks-service
""")
_NEEDED_1 = _NEEDED | _uris("runtime.v1 linux")
_NEEDED_1_6 = _NEEDED_1 | _uris("service.v1 leases-service")
_NEEDED_1_7 = _NEEDED_1 | _uris("""
    warning.v1 deprecations
    lease.v1 manager
    runtime.v2 shim
    sandbox.store.v1 local
    sandbox.controller.v1 local
""")
_NEEDED_2 = _NEEDED | _uris("""
    warning.v1 deprecations
    lease.v1 manager
    shim.v1 manager
    sandbox.store.v1 local
    sandbox.controller.v1 shim
    podsandbox.controller.v1 podsandbox
    cri.v1 images runtime
""")
_NEEDED_2_1 = _NEEDED_2 | _uris("""
    transfer.v1 local
    image-verifier.v1 bindir
    snapshotter.v1 overlayfs
""")
_OTHERS = _uris("""
    snapshotter.v1 btrfs devmapper native overlayfs zfs
    grpc.v1 introspection containers content diff events healthcheck images leases namespaces snapshots tasks version
    grpc.v1 cri
    internal.v1 opt
""")
_OTHERS_1 = _OTHERS | _uris("""
    snapshotter.v1 aufs
    monitor.v1 cgroups
    internal.v1 restart
""")
_TRACING = _uris("""
    tracing.processor.v1 otlp
    internal.v1 tracing
""")
_OTHERS_1_7 = _TRACING | _uris("""
    snapshotter.v1 blockfile
    streaming.v1 manager
    grpc.v1 sandbox-controllers sandboxes streaming transfer
    transfer.v1 local
    nri.v1 nri
""")
_OTHERS_2 = _OTHERS_1_7 | _uris("""
    image-verifier.v1 bindir
    monitor.task.v1 cgroups
    monitor.container.v1 restart
    ttrpc.v1 otelttrpc
""")
_OTHERS_2_1 = _uris("""
    snapshotter.v1 erofs
    differ.v1 erofs
""")
_OTHERS_2_2 = _uris("mount-manager.v1 bolt")
_OTHERS_2_3 = _uris("""
    server.v1 grpc grpc-tcp ttrpc metrics debug
    metrics.v1 grpc-prometheus
""")


def id_of(uri: str) -> str:
    """The id of a plugin, which is its whole name in a file of version 1: what comes after the type."""
    return _VERSIONED.split(uri, maxsplit=1)[-1]


def needed_by_cri(version: Version) -> frozenset[str]:
    """The plugins without which CRI fails."""
    if version.major > 1:
        return _NEEDED_2_1 if since(version, (2, 1, 0)) else _NEEDED_2
    return _NEEDED_1_7 if since(version, (1, 7, 0)) else _NEEDED_1_6


def known_plugins(version: Version) -> frozenset[str]:
    """The plugins that a version has."""
    others = _OTHERS_1 if version.major == 1 else _OTHERS
    layers = ((_TRACING, (1, 6, 0)), (_OTHERS_1_7, (1, 7, 0)), (_OTHERS_2, (2, 0, 0)), (_OTHERS_2_1, (2, 1, 0)))
    newest = ((_OTHERS_2_2, (2, 2, 0)), (_OTHERS_2_3, (2, 3, 0)))
    added = (plugins for plugins, release in (*layers, *newest) if since(version, release))
    return needed_by_cri(version).union(others, *added)
