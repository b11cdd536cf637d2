"""The plugins of a containerd: what each decodes, and which there are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from containerd.daemon.gotypes import Struct
from containerd.releases import CRI, IMAGES, RUNTIME, release_of
from containerd.versions import Version

__all__ = ["CRI", "IMAGES", "RUNTIME", "id_of", "known_plugins", "plugin_types"]

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
