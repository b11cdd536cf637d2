"""Where a daemon keeps its data, and where it listens."""

from __future__ import annotations

from dataclasses import dataclass

from containerd.daemon.merged import merge
from containerd.daemon.settings import DEFAULT_SOCKET, socket_of
from containerd.files import Dead, FileSet
from containerd.versions import Version

DEFAULT_ROOT = "/var/lib/containerd"
DEFAULT_STATE = "/run/containerd"


@dataclass(frozen=True)
class Directories:
    """`root` keeps what outlives a reboot, `state` what does not, the bundles of running containers among it.

    `socket` is the one that CRI is served on.
    """

    root: str
    state: str
    socket: str = DEFAULT_SOCKET


def directories(files: FileSet, version: Version) -> Directories:
    """Return what these files name, or containerd's defaults. Never raises."""
    try:
        merged = merge(files, version)
    except Dead:
        return Directories(DEFAULT_ROOT, DEFAULT_STATE)
    return Directories(
        _path(merged.value("root"), DEFAULT_ROOT),
        _path(merged.value("state"), DEFAULT_STATE),
        socket_of(merged, version),
    )


def _path(value: object, default: str) -> str:
    return value if isinstance(value, str) and value.startswith("/") else default
