"""Where a daemon keeps its data."""

from __future__ import annotations

from dataclasses import dataclass

from containerd.daemon.merged import merge
from containerd.files import Dead, FileSet
from containerd.versions import Version

DEFAULT_ROOT = "/var/lib/containerd"
DEFAULT_STATE = "/run/containerd"


@dataclass(frozen=True)
class Directories:
    """`root` keeps what outlives a reboot, `state` what does not, the bundles of running containers among it."""

    root: str
    state: str


def directories(files: FileSet, version: Version) -> Directories:
    """Return what these files name, or containerd's defaults. Never raises."""
    try:
        merged = merge(files, version)
    except Dead:
        return Directories(DEFAULT_ROOT, DEFAULT_STATE)
    return Directories(
        _path(merged.value("root"), DEFAULT_ROOT),
        _path(merged.value("state"), DEFAULT_STATE),
    )


def _path(value: object, default: str) -> str:
    return value if isinstance(value, str) and value.startswith("/") else default
