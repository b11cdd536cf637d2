"""How a node gets its caches. Light: the command line needs it."""

from __future__ import annotations

from enum import Enum


class Strategy(str, Enum):
    """How a node gets its caches."""

    CONFIG_PATH = "config_path"
    MIRRORS = "mirrors"
    SKIP = "skip"
