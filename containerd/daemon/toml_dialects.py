"""What containerd's own TOML parsers read: go-toml 1 in 1.x, go-toml 2 in 2.x, and its stricter 2.4 in newer ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from containerd.daemon import toml_1, toml_2
from containerd.daemon.gotypes import GoType, MapOf, Struct
from containerd.daemon.server_config import server_config
from containerd.daemon.toml_values import MOMENT, NotRead
from containerd.files import Dead
from containerd.releases import release_of
from containerd.versions import Version


def is_strict(version: Version) -> bool:
    """Whether this containerd is built with go-toml 2.4, which reads TOML 1.1 and looks at keys that nobody knows."""
    return release_of(version).toml == "go-toml 2.4"


def load(text: str, file: str, version: Version) -> Mapping[str, Any]:
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
            return toml_1.read(text)
        knows: Callable[[toml_2.Keys], bool] | None = None if strict else lambda keys: knows_table(type_, keys)
        data = toml_2.read(text, knows)
        _check_values(data, type_)
    except NotRead as error:
        hint = "; it looks like a template: render it first" if "{{" in text or "{%" in text else ""
        raise Dead(f"{prefix}{error}{hint}", f"{file}:{error.line}") from None
    except RecursionError:
        raise Dead(f"{prefix}it is nested too deeply to be understood", f"{file}:1") from None
    return data


def knows_table(type_: GoType, keys: toml_2.Keys) -> bool:
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
        elif one is not MOMENT and not isinstance(one, toml_2.Unfit) and _plain_text(one) != _plain_text(other):
            return False
    return True


def _plain_text(value: Any) -> str:
    """A value to compare: the standard library makes one character of a carriage return and a new line."""
    return f"{type(value).__name__} {value}".replace("\r\n", "\n")


def _check_values(data: Mapping[str, Any], type_: GoType) -> None:
    """Raise NotRead for a number or a date that is none, where the daemon decodes it."""
    pending: list[tuple[Any, GoType]] = [(data, type_)]
    while pending:
        value, expected = pending.pop()
        if isinstance(value, toml_2.Unfit):
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
