"""Lossless edits of a TOML file: keys go, keys are set, and every other byte stays.

An own-line comment is never removed. A blank line is removed only where a removed run would otherwise leave two in a
row, or one at the end of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import tomlkit
from tomlkit.exceptions import TOMLKitError

from containerd.model import NotToml, Refused
from containerd.toml.statements import Path, Statement, basic_string, lines_of, quoted, split

Value: TypeAlias = "str | tuple[str, ...]"


@dataclass(frozen=True)
class Leaf:
    """A key that is to have a value."""

    path: Path
    value: Value


@dataclass(frozen=True)
class Edit:
    """Everything below the paths of `drop` goes, then `leaves` are set: all of them in `table`, or below it."""

    table: Path
    drop: tuple[Path, ...]
    leaves: tuple[Leaf, ...]


def apply_edit(text: str, edit: Edit) -> str:
    """Return the edited file. Raises NotToml for the text given, and Refused for a shape that defeats the edit."""
    draft = _Draft(text, edit)
    try:
        draft.prune()
        for leaf in edit.leaves:
            draft.set(leaf)
    except (TOMLKitError, NotToml, KeyError, TypeError, AttributeError):
        raise Refused("this file's shape is not understood: write the registry as a [table] and run again") from None
    return draft.text()


class _Draft:
    """The statements of one file with what becomes of each."""

    def __init__(self, text: str, edit: Edit) -> None:
        self.statements = split(text)
        self.edit = edit
        self.newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        self.replaced: dict[int, str] = {}
        self.inserted: dict[int, list[str]] = {}
        self.appended: list[str] = []
        drop = set(edit.drop)
        self.dropped = {
            index
            for index, statement in enumerate(self.statements)
            if any(statement.path[:depth] in drop for depth in range(1, len(statement.path) + 1))
        }

    def prune(self) -> None:
        """Take what goes out of the inline tables that hold it."""
        inside: dict[Path, list[Path]] = {}
        for path in self.edit.drop:
            for depth in range(1, len(path) + 1):
                inside.setdefault(path[:depth], []).append(path)
        for index, statement in self._pairs():
            for path in inside.get(statement.path, ()):
                self.replaced[index] = _without(self._now(index), _inside(statement, path))

    def set(self, leaf: Leaf) -> None:
        """Set a key at the first place that suits: where it is, in its table, beside its kin, or in a new table."""
        if not (
            self._in_its_pair(leaf)
            or self._in_its_table(leaf)
            or self._beside_dotted_kin(leaf)
            or self._for_a_dropped_header(leaf)
        ):
            self.appended += self._table(leaf, self._spelling(leaf.path), indent="", step="  ")

    def text(self) -> str:
        """Join the draft."""
        lines = _Lines(self.newline)
        for index, statement in enumerate(self.statements):
            lines.write(self.inserted.get(index, []))
            if index in self.dropped:
                lines.write(_own_comments(statement.text))
                lines.gap = True
            elif not (statement.kind == "blank" and lines.closes_gap()):
                lines.write([self._now(index)])
        lines.write(self.inserted.get(len(self.statements), []))
        lines.end(self.appended)
        return "".join(lines.done)

    def _in_its_pair(self, leaf: Leaf) -> bool:
        for index, statement in self._pairs():
            if _below(leaf.path, statement.path):
                self.replaced[index] = _with(self._now(index), _inside(statement, leaf.path), leaf.value)
                return True
        return False

    def _in_its_table(self, leaf: Leaf) -> bool:
        for index, statement in enumerate(self.statements):
            if statement.kind == "header" and statement.path == leaf.path[:-1] and index not in self.dropped:
                first = next((pair for _, pair in self._all_pairs(index + 1, statement.path)), None)
                indent = first.indent if first else statement.indent + "  "
                self._insert(index + 1, [indent + self._pair(leaf.path[-1:], leaf.value)])
                return True
        return False

    def _beside_dotted_kin(self, leaf: Leaf) -> bool:
        for index, statement in enumerate(self.statements):
            depth, header = _common(statement.path, leaf.path), len(statement.header)
            dotted_through = depth > header or (index in self.dropped and depth == header)
            if statement.kind == "pair" and dotted_through and depth >= len(self.edit.table):
                keys = (*statement.keys[: depth - header], *map(quoted, leaf.path[depth:]))
                self._insert(index, [statement.indent + self._pair(keys, leaf.value)])
                return True
        return False

    def _for_a_dropped_header(self, leaf: Leaf) -> bool:
        for index in sorted(self.dropped):
            gone = self.statements[index]
            if gone.kind == "header" and _below(gone.path, self.edit.table):
                depth = _common(gone.path, leaf.path[:-1])
                keys = (*gone.keys[:depth], *map(quoted, leaf.path[depth:-1]))
                self._insert(index, self._table(leaf, keys, gone.indent, self._step(index)))
                return True
        return False

    def _step(self, index: int) -> str:
        """How much deeper than their headers the keys of the dropped tables are written."""
        for position in sorted(self.dropped):
            pair = self.statements[position]
            if position > index and pair.kind == "pair":
                header = next(s for s in reversed(self.statements[:position]) if s.kind == "header")
                return pair.indent[len(header.indent) :] if pair.indent.startswith(header.indent) else ""
        return "  "

    def _spelling(self, path: Path) -> tuple[str, ...]:
        """Spell a new table's header with the quotes that the file's other headers have."""
        for statement in self.statements:
            depth = _common(statement.path, path[:-1])
            if statement.kind == "header" and depth >= 2:
                return (*statement.keys[:depth], *map(quoted, path[depth:-1]))
        return tuple(map(quoted, path[:-1]))

    def _table(self, leaf: Leaf, keys: tuple[str, ...], indent: str, step: str) -> list[str]:
        pair = self._pair(leaf.path[-1:], leaf.value)
        return [f"{indent}[{'.'.join(keys)}]{self.newline}", indent + step + pair]

    def _pair(self, keys: tuple[str, ...], value: Value) -> str:
        return f"{'.'.join(keys)} = {_spelled(value)}{self.newline}"

    def _insert(self, index: int, lines: list[str]) -> None:
        self.inserted.setdefault(index, []).extend(lines)

    def _now(self, index: int) -> str:
        return self.replaced.get(index, self.statements[index].text)

    def _pairs(self) -> list[tuple[int, Statement]]:
        return [(index, pair) for index, pair in self._all_pairs(0) if index not in self.dropped]

    def _all_pairs(self, start: int, header: Path | None = None) -> list[tuple[int, Statement]]:
        return [
            (index, statement)
            for index, statement in enumerate(self.statements[start:], start)
            if statement.kind == "pair" and header in {None, statement.header}
        ]


class _Lines:
    """The lines written so far, and whether something was removed since the last of them."""

    def __init__(self, newline: str) -> None:
        self.newline = newline
        self.done: list[str] = []
        self.gap = False

    def write(self, lines: list[str]) -> None:
        for line in lines:
            if self.done and not self.done[-1].endswith("\n"):
                self.done[-1] += self.newline
            self.done.append(line)
            self.gap = False

    def closes_gap(self) -> bool:
        """Whether a blank line that comes now would stand beside another only because of what was removed."""
        closes = self.gap and self._after_blank()
        self.gap = False
        return closes

    def end(self, appended: list[str]) -> None:
        if self.gap and self._after_blank():
            self.done.pop()
        if appended and self.done and not self._after_blank():
            self.write([self.newline])
        self.write(appended)

    def _after_blank(self) -> bool:
        return bool(self.done) and not self.done[-1].strip()


def _below(path: Path, root: Path) -> bool:
    return bool(root) and path[: len(root)] == root


def _common(one: Path, other: Path) -> int:
    pairs = zip(one, other, strict=False)
    return next((depth for depth, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _inside(pair: Statement, path: Path) -> Path:
    return path[len(pair.header) :]


def _with(text: str, keys: Path, value: Value) -> str:
    bare = text.lstrip(" \t")
    document = tomlkit.parse(bare)
    table: Any = document
    for key in keys[:-1]:
        table = table.setdefault(key, tomlkit.inline_table())
    table[keys[-1]] = list(value) if isinstance(value, tuple) else value
    return "".join(_own_comments(text)) + text[: len(text) - len(bare)] + tomlkit.dumps(document)


def _without(text: str, keys: Path) -> str:
    document = tomlkit.parse(text)
    parent: Any = document
    for key in keys[:-2]:
        parent = parent.get(key, {})
    table = parent.get(keys[-2], {})
    if keys[-1] not in table:
        return text
    del table[keys[-1]]
    if not table:
        parent[keys[-2]] = tomlkit.inline_table()
    return tomlkit.dumps(document)


def _spelled(value: Value) -> str:
    return basic_string(value) if isinstance(value, str) else f"[{', '.join(map(basic_string, value))}]"


def _own_comments(text: str) -> list[str]:
    """The own-line comments inside a multi-line array; in a multi-line string such a line is no comment."""
    if '"""' in text or "'''" in text:
        return []
    return [line for line in lines_of(text)[1:] if line.lstrip(" \t").startswith("#")]
