"""YAML files written by hand: strict about duplicate keys, errors with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fleet.errors import InventoryError


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which accepts a key twice and keeps the last one; this one refuses."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise _DuplicateKey(key, key_node.start_mark.line + 1, top=node.start_mark.column == 0)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _DuplicateKey(Exception):
    def __init__(self, key: str, line: int, *, top: bool) -> None:
        super().__init__(key)
        self.key, self.line, self.top = key, line, top


def load_mapping(path: Path) -> dict[str, Any]:
    """Read ``path`` as one YAML mapping; an empty file is an empty mapping.

    Raises ``InventoryError`` naming the file (and the line) when it cannot be read, is not YAML, is not a
    mapping, or has a key twice; a duplicate at the top level is named as a host or group.
    """
    try:
        # _StrictLoader is a SafeLoader.
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506
    except FileNotFoundError:
        raise InventoryError("the file does not exist; --inventory names the directory", str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InventoryError(f"cannot be read: {error}", str(path)) from None
    except _DuplicateKey as error:
        host = error.key if error.top else None
        raise InventoryError(f"line {error.line} has {error.key!r} a second time", str(path), host, error.key) from None
    except yaml.YAMLError as error:
        raise InventoryError(f"not YAML: {_one_line(error)}", str(path)) from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
        raise InventoryError("a mapping of names is expected; put names that look like numbers in quotes", str(path))
    return loaded


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)
