"""What an edited file must say: computed on plain data, with no knowledge of how the text is edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from containerd.daemon.toml_dialects import agrees
from containerd.edit import Edit
from containerd.statements import Path


def applied(data: Mapping[str, Any], edit: Edit) -> dict[str, Any]:
    """The data of a file after an edit."""
    wanted = _Copy(data)
    for path in edit.drop:
        wanted.table(path[:-1]).pop(path[-1], None)
    for leaf in edit.leaves:
        wanted.table(leaf.path[:-1])[leaf.path[-1]] = leaf.value if isinstance(leaf.value, str) else list(leaf.value)
    return wanted.data


def same(found: Mapping[str, Any], wanted: Mapping[str, Any], edit: Edit) -> bool:
    """Whether two files say the same, but for empty tables that are left of, or gone with, what was removed."""
    paths = dict.fromkeys((edit.table, *(path[:-1] for path in edit.drop)))
    one, other = (_without_empty(data, tuple(paths)) for data in (found, wanted))
    return agrees(one, other) and agrees(other, one)


def _without_empty(data: Mapping[str, Any], paths: tuple[Path, ...]) -> dict[str, Any]:
    copy = _Copy(data)
    for path in paths:
        for depth in range(len(path), 0, -1):
            if copy.is_empty(path[:depth]):
                del copy.table(path[: depth - 1])[path[depth - 1]]
    return copy.data


class _Copy:
    """A copy of plain data as far as it is changed: the rest is shared."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)
        self.copied: dict[Path, dict[str, Any]] = {(): self.data}

    def table(self, path: Path) -> dict[str, Any]:
        """The table at a path, which may be changed; an empty one where there is none."""
        if path not in self.copied:
            parent = self.table(path[:-1])
            parent[path[-1]] = self.copied[path] = dict(parent.get(path[-1], {}))
        return self.copied[path]

    def is_empty(self, path: Path) -> bool:
        """Whether there is a table at a path that has nothing."""
        table: Any = self.data
        for key in path:
            table = table.get(key) if isinstance(table, Mapping) else None
        return isinstance(table, Mapping) and not table
