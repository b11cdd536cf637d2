"""The keys of a config.toml itself: what a containerd decodes, and which of them are merged alike."""

from __future__ import annotations

from containerd.daemon.gotypes import Struct
from containerd.releases import release_of
from containerd.versions import Version

STRUCTS = ("grpc", "ttrpc", "debug", "metrics", "cgroup")
SECTIONS = ("proxy_plugins", "timeouts", "stream_processors")
LISTS = ("disabled_plugins", "required_plugins", "imports")


def server_config(version: Version) -> Struct:
    """The type of a whole config.toml for a version."""
    return release_of(version).config
