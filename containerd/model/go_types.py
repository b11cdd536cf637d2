"""The Go types of containerd's configuration, as far as its TOML parsers look at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Scalar:
    """A Go type that is written as one value."""

    name: str


@dataclass(frozen=True)
class ListOf:
    """A slice."""

    item: GoType

    @property
    def name(self) -> str:
        """The type as Go writes it."""
        return f"[]{self.item.name}"


@dataclass(frozen=True)
class MapOf:
    """A map from strings."""

    value: GoType

    @property
    def name(self) -> str:
        """The type as Go writes it."""
        return f"map[string]{self.value.name}"


@dataclass(frozen=True)
class Struct:
    """A struct: its keys as TOML has them."""

    name: str
    fields: Mapping[str, GoType] = field(repr=False)


GoType: TypeAlias = "Scalar | ListOf | MapOf | Struct"
Fields: TypeAlias = Mapping[str, GoType]

STRING, INT, UINT32, BOOL, FLOAT = map(Scalar, ("string", "int", "uint32", "bool", "float64"))
ANY = Scalar("interface {}")
# Where the type reads itself, a duration is any value's text, so that 1 has no unit; the other takes nanoseconds too.
DURATION, NANOSECONDS = Scalar("duration"), Scalar("time.Duration")
STRINGS = ListOf(STRING)
STRING_MAP = MapOf(STRING)


def fields(type_: GoType, *names: str) -> dict[str, GoType]:
    """Several keys of one type."""
    return dict.fromkeys(names, type_)
