"""What a containerd decodes: the keys of a config.toml itself, its plugins, and the configuration of each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from containerd.model import Struct, Version, release_of

_VERSIONED = re.compile(r"\.v[0-9]+\.")


def plugin_types(version: Version) -> Mapping[str, Struct]:
    """What each plugin that takes a configuration decodes, by plugin URI."""
    return release_of(version).plugin_types


def known_plugins(version: Version) -> frozenset[str]:
    """The plugins that a version has."""
    return release_of(version).plugins


def id_of(uri: str) -> str:
    """The id of a plugin, which is its whole name in a file of version 1: what comes after the type."""
    return _VERSIONED.split(uri, maxsplit=1)[-1]


STRUCTS = ("grpc", "ttrpc", "debug", "metrics", "cgroup")
SECTIONS = ("proxy_plugins", "timeouts", "stream_processors")
LISTS = ("disabled_plugins", "required_plugins", "imports")


def server_config(version: Version) -> Struct:
    """The type of a whole config.toml for a version."""
    return release_of(version).config
