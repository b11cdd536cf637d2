"""A configuration as tables and leaves that know where they were written, so that a merge keeps track by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from containerd.loader.decode import type_mismatch
from containerd.model import FileSet, GoType, MapOf, NotToml, Struct
from containerd.toml import Path, split

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
        copied = Table(self.file, self.path, self)
        pending = [copied]
        while pending:
            table = pending.pop()
            for key, node in table.items():
                if isinstance(node, Table):
                    table[key] = child = Table(node.file, node.path, node)
                    pending.append(child)
        return copied


# Trees are walked without recursion: a header may have hundreds of parts.
def planted(data: Mapping[str, Any], file: str) -> Table:
    """The tree of a parsed file."""
    root = Table(file, ())
    pending = [(root, data)]
    while pending:
        table, entries = pending.pop()
        for key, value in entries.items():
            here = (*table.path, key)
            if isinstance(value, Mapping):
                table[key] = child = Table(file, here)
                pending.append((child, value))
            else:
                table[key] = Leaf(value, file, here)
    return root


def plain(node: Node) -> Any:
    """The tree as the plain data that it was made of."""
    if isinstance(node, Leaf):
        return node.value
    root: dict[str, Any] = {}
    pending = [(root, node)]
    while pending:
        data, table = pending.pop()
        for key, child in table.items():
            if isinstance(child, Table):
                below: dict[str, Any] = {}
                data[key] = below
                pending.append((below, child))
            else:
                data[key] = child.value
    return root


def misfit(node: Node, type_: GoType, go_toml: int) -> Node:
    """The innermost table or leaf of a tree that is not of its type, where the tree is not of this one."""
    found: tuple[Node, GoType] | None = (node, type_)
    while found is not None:
        node, type_ = found
        found = next(_misfits(node, type_, go_toml), None)
    return node


def _misfits(node: Node, type_: GoType, go_toml: int) -> Iterator[tuple[Node, GoType]]:
    if not isinstance(node, Table) or not isinstance(type_, Struct | MapOf):
        return
    for key, child in node.items():
        below = type_.value if isinstance(type_, MapOf) else type_.fields.get(key.lower())
        if below is not None and type_mismatch(below, plain(child), go_toml) is not None:
            yield child, below


def place_of(node: Node, files: FileSet) -> Place:
    """Where a node was written: the first line of its own statement, or of the one that it is inside."""
    return Place(node.file, _line(files.texts.get(node.file, ""), node.path))


def _line(text: str, path: Path) -> int:
    first, own = _positions(text)
    if path in first:
        return first[path]
    return next((own[path[:depth]] for depth in range(len(path), 0, -1) if path[:depth] in own), 1)


@lru_cache(maxsize=64)
def _positions(text: str) -> tuple[Mapping[Path, int], Mapping[Path, int]]:
    """The first line at or below each path, and that of each statement; none for a text that cannot be split."""
    first: dict[Path, int] = {}
    own: dict[Path, int] = {}
    line = 1
    try:
        for statement in split(text):
            if statement.path:
                own.setdefault(statement.path, line)
            for depth in range(len(statement.path), 0, -1):
                if first.setdefault(statement.path[:depth], line) != line:
                    break
            line += statement.text.count("\n")
    except NotToml:
        return {}, {}
    return first, own
