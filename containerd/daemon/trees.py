"""A configuration as tables and leaves that know where they were written, so that a merge keeps track by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from containerd.errors import NotToml
from containerd.files import FileSet
from containerd.statements import Path, split

Node: TypeAlias = "Table | Leaf"


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Leaf:
    """A value that is no table, and where it was written."""

    value: Any = field(repr=False)
    file: str
    path: Path


class Table(dict[str, Node]):
    """A table, and where it was written."""

    def __init__(self, file: str, path: Path, entries: Mapping[str, Node] | None = None) -> None:
        super().__init__(entries or {})
        self.file = file
        self.path = path

    def table(self, key: str) -> Table:
        """The table under a key; an empty one, which is not put in, when something else or nothing is there."""
        found = self.get(key)
        return found if isinstance(found, Table) else Table(self.file, (*self.path, key))

    def copy(self) -> Table:
        """A copy whose tables may be changed."""
        entries = {key: node.copy() if isinstance(node, Table) else node for key, node in self.items()}
        return Table(self.file, self.path, entries)


def planted(data: Mapping[str, Any], file: str, path: Path = ()) -> Table:
    """The tree of a parsed file."""
    table = Table(file, path)
    for key, value in data.items():
        here = (*path, key)
        table[key] = planted(value, file, here) if isinstance(value, Mapping) else Leaf(value, file, here)
    return table


def plain(node: Node) -> Any:
    """The tree as the plain data that it was made of."""
    return {key: plain(child) for key, child in node.items()} if isinstance(node, Table) else node.value


def place_of(node: Node, files: FileSet) -> Place:
    """Where a node was written: the first line of its own statement, or of the one that it is inside."""
    return Place(node.file, _line(files.texts.get(node.file, ""), node.path))


def _line(text: str, path: Path) -> int:
    positions = _positions(text)
    below = (line for found, line in positions if found[: len(path)] == path)
    around = (line for found, line in positions if path[: len(found)] == found)
    return next(below, next(around, 1))


@lru_cache(maxsize=64)
def _positions(text: str) -> tuple[tuple[Path, int], ...]:
    """The path and the line of every statement; none for a text that cannot be split."""
    found, line = [], 1
    try:
        for statement in split(text):
            if statement.path:
                found.append((statement.path, line))
            line += statement.text.count("\n")
    except NotToml:
        return ()
    return tuple(found)
