"""What an edited file must say: computed on plain data, with no knowledge of how the text is edited."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from containerd.edit import Edit
from containerd.statements import Path


def applied(data: Mapping[str, Any], edit: Edit) -> dict[str, Any]:
    """The data of a file after an edit."""
    wanted = deepcopy(dict(data))
    for path in edit.drop:
        _descend(wanted, path[:-1]).pop(path[-1], None)
    for leaf in edit.leaves:
        value = leaf.value if isinstance(leaf.value, str) else list(leaf.value)
        _descend(wanted, leaf.path[:-1])[leaf.path[-1]] = value
    return wanted


def same(found: Mapping[str, Any], wanted: Mapping[str, Any], edit: Edit) -> bool:
    """Whether two files say the same, but for empty tables that are left of, or gone with, what was removed."""
    paths = (edit.table, *(path[:-1] for path in edit.drop))
    return _canonical(found, paths) == _canonical(wanted, paths)


def _canonical(data: Mapping[str, Any], emptied: tuple[Path, ...]) -> str:
    copy = deepcopy(dict(data))
    for path in emptied:
        for depth in range(len(path), 0, -1):
            _remove_empty(copy, path[:depth])
    return json.dumps(copy, sort_keys=True, default=str)


def _remove_empty(data: dict[str, Any], path: Path) -> None:
    parent: Any = data
    for key in path[:-1]:
        parent = parent.get(key, {})
    if parent.get(path[-1]) == {}:
        del parent[path[-1]]


def _descend(data: dict[str, Any], path: Path) -> dict[str, Any]:
    for key in path:
        data = data.setdefault(key, {})
    return data
