"""What go-toml decodes into the types of containerd's configuration, by its major version.

1.x decodes with go-toml 1, 2.x with go-toml 2. Both ignore unknown keys, and end the daemon over a value of another
type. The words are theirs; the value itself, which may be a secret, is left out.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from containerd.model import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    NANOSECONDS,
    STRING,
    UINT32,
    GoType,
    ListOf,
    MapOf,
    Scalar,
    Struct,
)
from containerd.toml import quoted

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 2**63 / 1e9
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r"(?::[0-9]*)?", re.ASCII)
_NO_HOST = set(' <>"^\\`{}|')


def lookup(table: Mapping[str, Any], name: str, major: int) -> Any:
    """What a struct's field gets from a table, None for nothing."""
    key = next(iter(_keys(table, name, major)), None)
    return None if key is None else table[key]


def type_mismatch(type_: GoType, value: Any, major: int, key: str = "") -> str | None:
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


def is_duration(text: str) -> bool:
    """Whether Go's time.ParseDuration reads a text."""
    return seconds_of(text) is not None


def seconds_of(text: str) -> float | None:
    """The seconds that Go's time.ParseDuration reads in a text, None where it reads none."""
    if not _DURATION.fullmatch(text):
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds >= _LONGEST:
        return None
    return -seconds if text.startswith("-") else seconds


def is_url(text: str) -> bool:
    """Whether Go's url.Parse reads a text: it refuses control characters, half escapes, bad ports and `10.0.0.1:5000`.

    That last one has no scheme, since schemes begin with a letter, and a colon in its first segment.
    """
    text = text.partition("#")[0]
    if any(ord(letter) < 0x20 or letter == "\x7f" for letter in text) or text.startswith(":"):
        return False
    scheme = _SCHEME.match(text)
    rest = (text[scheme.end() :] if scheme else text).partition("?")[0]
    if _BAD_ESCAPE.search(rest):
        return False
    if rest.startswith("//"):
        return _is_authority(rest[2:].partition("/")[0])
    return scheme is not None or rest.startswith("/") or ":" not in rest.partition("/")[0]


def _is_authority(authority: str) -> bool:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        inner, bracket, port = host[1:].rpartition("]")
        return bool(inner and bracket) and _PORT.fullmatch(port) is not None
    _, colon, port = host.rpartition(":")
    return not set(host) & _NO_HOST and _PORT.fullmatch(colon + port if colon else "") is not None
