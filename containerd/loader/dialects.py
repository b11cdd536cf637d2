"""What containerd's own TOML parsers read: go-toml 1 in 1.x, go-toml 2 in 2.x, and its stricter 2.4 in newer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from containerd.loader.decode import type_mismatch
from containerd.loader.schema import SECTIONS, STRUCTS, server_config
from containerd.model import ANY, Dead, GoType, MapOf, Scalar, Struct, Version, release_of
from containerd.toml import MOMENT, Inline, Keys, NotRead, Unfit, read_go_toml_1, read_go_toml_2

_SECTIONS = frozenset({"plugins", *STRUCTS, *SECTIONS})


def is_strict(version: Version) -> bool:
    """Whether this containerd is built with go-toml 2.4, which reads TOML 1.1 and looks at keys that nobody knows."""
    return release_of(version).toml == "go-toml 2.4"


def read_toml(text: str, file: str, version: Version) -> Mapping[str, Any]:
    """Parse a file as that containerd does. Raises Dead where it would not start on it.

    Text that is nested more deeply than this program follows is dead here, whatever the daemon does with it.
    """
    return _load(text, file, version, strict=is_strict(version))


# Versions are equal by their numbers, builds of them need not be: `strict` is part of the key.
@lru_cache(maxsize=256)
def _load(text: str, file: str, version: Version, *, strict: bool) -> Mapping[str, Any]:
    first = release_of(version).go_toml == 1
    prefix = f"failed to load TOML: {file}: " if first else f"failed to unmarshal TOML: {file}: "
    type_ = server_config(version)
    try:
        if first:
            return read_go_toml_1(text)
        knows: Callable[[Keys], bool] | None = None if strict else lambda keys: knows_table(type_, keys)
        data = _decoded(read_go_toml_2(text, knows), type_, strict=strict)
        # A wrong type is fatal in each spelling, so that the text is not read by one name before all of it fits.
        if _has_doubles(data, type_) and type_mismatch(type_, data, 2) is None:
            data = _decoded(read_go_toml_2(text, knows, partial(named_keys, type_)), type_, strict=strict)
    except NotRead as error:
        hint = "; it looks like a template: render it first" if "{{" in text or "{%" in text else ""
        raise Dead(f"{prefix}{error}{hint}", f"{file}:{error.line}") from None
    except RecursionError:
        raise Dead(f"{prefix}it is nested too deeply to be understood", f"{file}:1") from None
    return data


def knows_table(type_: GoType, keys: Keys) -> bool:
    """Whether a type has a place for a table; 2.x finds the keys of structs in any case."""
    for key in keys:
        if isinstance(type_, Struct):
            found = type_.fields.get(key.lower())
            if found is None:
                return False
            type_ = found
        elif isinstance(type_, MapOf):
            type_ = type_.value
        else:
            return True
    return True


def named_keys(type_: GoType, keys: Keys) -> Keys:
    """A path with the daemon's own names for the fields of structs."""
    named = []
    for key in keys:
        known = isinstance(type_, MapOf) or (isinstance(type_, Struct) and key.lower() in type_.fields)
        named.append(key.lower() if known and isinstance(type_, Struct) else key)
        type_ = _below(type_, key) if known and isinstance(type_, Struct | MapOf) else ANY
    return tuple(named)


def _has_doubles(data: Mapping[str, Any], type_: GoType) -> bool:
    """Whether a field of a struct is in the data in two spellings."""
    pending: list[tuple[Mapping[str, Any], GoType]] = [(data, type_)]
    while pending:
        table, expected = pending.pop()
        known = [key for key in table if not isinstance(expected, Struct) or key.lower() in expected.fields]
        if isinstance(expected, Struct) and len({key.lower() for key in known}) < len(known):
            return True
        if isinstance(expected, Struct | MapOf):
            below = ((table[key], _below(expected, key)) for key in known)
            pending += [(child, type_) for child, type_ in below if isinstance(child, Mapping)]
    return False


def _below(type_: Struct | MapOf, key: str) -> GoType:
    return type_.fields[key.lower()] if isinstance(type_, Struct) else type_.value


def agrees(read: Any, standard: Any) -> bool:
    """Whether a daemon's reading of a text is the standard's, where the daemon reads it at all."""
    pending = [(read, standard)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, Mapping):
            if not isinstance(other, Mapping) or not one.keys() <= other.keys():
                return False
            pending += [(value, other[key]) for key, value in one.items()]
        elif isinstance(one, list):
            if not isinstance(other, list) or len(one) != len(other):
                return False
            pending += zip(one, other, strict=True)
        elif one is not MOMENT and not isinstance(one, Unfit) and _plain_text(one) != _plain_text(other):
            return False
    return True


def _plain_text(value: Any) -> str:
    """A value to compare: the standard library makes one character of a carriage return and a new line."""
    return f"{type(value).__name__} {value}".replace("\r\n", "\n")


def readings(text: str) -> Iterator[Mapping[str, Any]]:
    """What each parser that a containerd may have reads in a text, for who must miss nothing, whichever runs."""
    with suppress(NotRead, RecursionError):
        yield read_go_toml_1(text)
    with suppress(NotRead, RecursionError):
        yield read_go_toml_2(text, lambda keys: keys[0].lower() in _SECTIONS)
    with suppress(NotRead, RecursionError):
        yield read_go_toml_2(text, None)


def _decoded(data: dict[str, Any], type_: Struct, *, strict: bool) -> dict[str, Any]:
    _check_values(data, type_)
    if not strict:
        _leave_alone(data, type_)
    return data


def _leave_alone(data: dict[str, Any], type_: Struct) -> None:
    """Take out each empty [table] in the place of a value: up to go-toml 2.3 it leaves the setting as it is."""
    pending = [(data, type_)]
    while pending:
        table, struct = pending.pop()
        for key, value in list(table.items()):
            expected = struct.fields.get(key.lower())
            if isinstance(expected, Struct) and isinstance(value, dict):
                pending.append((value, expected))
            elif isinstance(expected, Scalar) and value == {} and not isinstance(value, Inline):
                del table[key]


def _check_values(data: Mapping[str, Any], type_: GoType) -> None:
    """Raise NotRead for a number or a date that is none, where the daemon decodes it."""
    pending: list[tuple[Any, GoType]] = [(data, type_)]
    while pending:
        value, expected = pending.pop()
        if isinstance(value, Unfit):
            raise value.error
        if isinstance(value, list):
            pending += [(item, getattr(expected, "item", expected)) for item in value]
        elif isinstance(value, Mapping):
            for key, child in value.items():
                if isinstance(expected, Struct):
                    known = expected.fields.get(key.lower())
                    pending += [(child, known)] if known is not None else []
                else:
                    pending.append((child, expected.value if isinstance(expected, MapOf) else expected))
