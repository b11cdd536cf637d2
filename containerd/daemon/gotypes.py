"""What go-toml decodes into the types of containerd's configuration, by major version of containerd.

1.x decodes with go-toml 1, 2.x with go-toml 2. Both ignore unknown keys, and end the daemon over a value of another
type. The words are theirs; the value itself, which may be a secret, is left out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from containerd.daemon.durations import is_duration
from containerd.statements import quoted


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


def lookup(table: Mapping[str, Any], name: str, major: int) -> Any:
    """What a struct's field gets from a table, None for nothing."""
    key = next(iter(_keys(table, name, major)), None)
    return None if key is None else table[key]


def mismatch(type_: GoType, value: Any, major: int, key: str = "") -> str | None:
    """Why a value does not fit a type, in go-toml's words, None when it fits."""
    return next(_mismatches(type_, value, major, key), None)


def _mismatches(type_: GoType, value: Any, major: int, key: str) -> Iterator[str]:
    if isinstance(type_, Scalar):
        if not _fits(type_, value, major):
            yield _said(type_, value, major, key)
    elif isinstance(type_, ListOf):
        # go-toml 1 takes an empty array for one of values, which tables are not.
        if not isinstance(value, list) or (major == 1 and not value and isinstance(type_.item, Struct)):
            yield _said(type_, value, major, key)
        else:
            for item in value:
                yield from _mismatches(type_.item, item, major, key)
    elif not isinstance(value, Mapping):
        yield _said(type_, value, major, key)
    else:
        for name, child in _children(type_, value, major):
            yield from _mismatches(child, value[name], major, f"{key}.{quoted(name)}" if key else quoted(name))


def _children(type_: MapOf | Struct, table: Mapping[str, Any], major: int) -> Iterator[tuple[str, GoType]]:
    if isinstance(type_, MapOf):
        yield from ((key, type_.value) for key in table)
    else:
        for name, child in type_.fields.items():
            yield from ((key, child) for key in _keys(table, name, major))


def _keys(table: Mapping[str, Any], name: str, major: int) -> list[str]:
    """The keys that decode into a field: go-toml 1 tries it in capitals too, go-toml 2 in any case."""
    if major == 1:
        return [key for key in (name, name.upper()) if key in table][:1]
    exact = [name] if name in table else []
    return exact + [key for key in table if key != name and key.lower() == name]


def _is(*types: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in types


def _is_nanoseconds(value: Any) -> bool:
    return type(value) is int or (type(value) is str and is_duration(value))


_FITS: dict[str, Callable[[Any], bool]] = {
    STRING.name: _is(str),
    INT.name: _is(int),
    UINT32.name: lambda value: type(value) is int and 0 <= value < 2**32,
    BOOL.name: _is(bool),
    FLOAT.name: _is(float),
    ANY.name: lambda _: True,
    DURATION.name: lambda value: is_duration(str(value)),
    NANOSECONDS.name: _is_nanoseconds,
}
_FITS_2 = {**_FITS, FLOAT.name: _is(float, int)}


def _fits(type_: Scalar, value: Any, major: int) -> bool:
    return (_FITS if major == 1 else _FITS_2)[type_.name](value)


_GO1 = {str: "string", int: "int64", float: "float64", bool: "bool", list: "[]interface {}", dict: "*toml.Tree"}
_GO2 = {str: "string", int: "integer", float: "float", bool: "boolean", list: "array", dict: "table"}


def _said(type_: GoType, value: Any, major: int, key: str) -> str:
    if major == 1:
        return f"{key}: Can't convert …({_GO1.get(type(value), 'time.Time')}) to {type_.name}"
    kind = "datetime" if isinstance(value, datetime.date | datetime.time) else _GO2.get(type(value), "value")
    return f"toml: cannot decode TOML {kind} into {key} of type {type_.name}"
