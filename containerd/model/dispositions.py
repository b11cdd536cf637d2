"""What becomes of a registry setting that a node has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["moved", "kept", "replaced", "removed", "lost"]


@dataclass(frozen=True)
class Accounted:
    """One setting, by its path in config.toml, and what became of it.

    `to` says where it went, why it goes without a trace, or, when it is lost, what the operator has to do.
    """

    key: str
    outcome: Outcome
    to: str


@dataclass(frozen=True)
class Disposition:
    """What becomes of a setting."""

    outcome: Outcome
    to: str


STAYS = Disposition("kept", "stays where it is")


@dataclass(frozen=True)
class Dispositions:
    """What becomes of the settings in effect: endpoints by registry and text ("" for none), TLS by host and key.

    `root` is the config_path that is set, None where TLS and config_path stay; `kept` means that nothing changes.
    """

    endpoints: Mapping[tuple[str, str], Disposition] = field(default_factory=dict)
    tls: Mapping[tuple[str, str], Disposition] = field(default_factory=dict)
    root: str | None = None
    kept: bool = False
