"""What is wanted on a node, and what was decided for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from common import Finding
from containerd.model.dispositions import Accounted


@dataclass(frozen=True)
class Registry:
    """A row of the table of registries; `endpoints` are the URLs of its caches, in order.

    `dial_timeout`: how long connecting to each may take, as Go writes a duration; None for containerd's own 30 s.
    """

    name: str
    upstream: str
    endpoints: tuple[str, ...]
    dial_timeout: str | None = None


@dataclass(frozen=True)
class Policy:
    """What the inventory asks for on a node."""

    strategy: Strategy
    registries: tuple[Registry, ...]


@dataclass(frozen=True)
class Decision:
    """What to write on a node.

    `files` maps absolute paths to whole new texts: only files that change, every hosts.toml first, then imported files,
    then the main one, which is the order in which they are to be written. `config_path` is the root that will be
    effective. `notes` are for the operator; `reason` says in one line what happens, or why nothing does. `accounting`
    has every registry setting; `losses` are the findings that block the node until each code is accepted.
    """

    strategy: Strategy
    files: Mapping[str, str] = field(repr=False)
    config_path: str | None
    notes: tuple[str, ...]
    reason: str
    accounting: tuple[Accounted, ...] = ()
    findings: tuple[Finding, ...] = ()
    losses: tuple[Finding, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any file changes."""
        return bool(self.files)


class Strategy(str, Enum):
    """How a node gets its caches."""

    CONFIG_PATH = "config_path"
    MIRRORS = "mirrors"
    SKIP = "skip"
