"""A lossless view of a TOML file, as the statements that it is written in.

A statement is a minimal run of whole lines that parses as TOML by itself. A multi-line array or string does not parse
before it is complete, so the parser finds the ends, and no second idea of TOML's grammar exists here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError
from tomlkit.items import AoT, Table

from containerd.errors import NotToml

Path: TypeAlias = tuple[str, ...]
Kind: TypeAlias = Literal["header", "array_header", "pair", "comment", "blank"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_CLOSING = re.compile(r"[\]})\"']")


@dataclass(frozen=True)
class Statement:
    """One statement: `text` holds its line endings; `path` is absolute, and empty for comments and blank lines.

    `keys` are the keys as they are spelled in this statement: all of a header's path, the tail of a pair's.
    """

    kind: Kind
    text: str
    path: Path = ()
    keys: tuple[str, ...] = ()

    @property
    def header(self) -> Path:
        """The path of the table that this pair is written under."""
        return self.path[: len(self.path) - len(self.keys)]

    @property
    def indent(self) -> str:
        """The blanks before the statement's first key."""
        return self.text[: len(self.text) - len(self.text.lstrip(" \t"))]


@lru_cache(maxsize=64)
def parse(text: str) -> Mapping[str, Any]:
    """Parse a whole file into plain data, which is shared: copy it before changing it. Raises NotToml."""
    if stray := _CONTROL.search(text):
        line = text.count("\n", 0, stray.start()) + 1
        raise NotToml(f"not TOML: a control character or lone carriage return at line {line}")
    if text.startswith("\ufeff"):
        raise NotToml("not TOML: the file begins with a byte order mark (line 1, column 1): remove it")
    try:
        data = _load(text)
    except NotToml as error:
        data = _load_in_order(text, error)
    _check_headers(text)
    return data


@lru_cache(maxsize=64)
def split(text: str) -> tuple[Statement, ...]:
    """Split a file into statements, whose texts joined are the file again. Raises NotToml."""
    parse(text)
    return tuple(_statements(text))


def lines_of(text: str) -> list[str]:
    """The lines of a text with their endings; only a newline ends a line in TOML."""
    return _LINE.findall(text)


def quoted(key: str) -> str:
    """Spell a key: bare where TOML allows it."""
    return key if _BARE_KEY.fullmatch(key) else basic_string(key)


def basic_string(text: str) -> str:
    """Spell a string as TOML's basic string, whose escapes are JSON's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _load(text: str) -> Mapping[str, Any]:
    try:
        return cast("Mapping[str, Any]", tomlkit.parse(text).unwrap())
    except (TOMLKitError, ValueError, AttributeError, RecursionError) as error:
        raise NotToml(_where(error)) from None


def _load_in_order(text: str, error: NotToml) -> Mapping[str, Any]:
    """Load a file whose tables are out of order; tomlkit 0.15 takes many of those for duplicates."""
    arrays: set[Path] = set()
    sections: list[tuple[Path, list[str]]] = [((), [])]
    try:
        for statement in _statements(text):
            if statement.kind == "array_header":
                arrays.add(statement.path)
            if statement.kind in {"header", "array_header"}:
                sections.append((statement.path, []))
            sections[-1][1].append(statement.text.removesuffix("\n") + "\n")
        sections.sort(key=lambda section: _array_of(section[0], arrays))
        return _load("".join(line for _, lines in sections for line in lines))
    except NotToml:
        raise error from None


def _check_headers(text: str) -> None:
    """Find a table that two headers define, or a header and dotted keys: tomlkit 0.15 overlooks some."""
    headers: set[Path] = set()
    dotted: set[Path] = set()
    arrays: set[Path] = set()
    line = 1
    for statement in _statements(text):
        named = {statement.path} if statement.kind == "header" else set()
        through = {statement.path[:depth] for depth in range(len(statement.header) + 1, len(statement.path))}
        if statement.kind == "array_header":
            arrays.add(statement.path)
        elif _array_of(statement.path, arrays) == statement.path:
            if named & (headers | dotted) or (not named and through & headers):
                raise NotToml(f"not TOML: a key or table is defined twice near line {line}, column 1")
            headers |= named
            dotted |= set() if named else through
        line += statement.text.count("\n")


def _array_of(table: Path, arrays: set[Path]) -> Path:
    """The array of tables that a table belongs to, whose elements must stay in order, or the table itself."""
    return next((table[:depth] for depth in range(len(table)) if table[:depth] in arrays), table)


def _statements(text: str) -> Iterator[Statement]:
    table: Path = ()
    for kind, chunk in _chunks(text):
        if kind is not None:
            yield Statement(kind, chunk)
            continue
        shape = _shape(chunk)
        if shape.kind == "pair":
            yield Statement("pair", chunk, (*table, *shape.path), shape.keys)
        else:
            table = shape.path
            yield shape


def _chunks(text: str) -> Iterator[tuple[Literal["comment", "blank"] | None, str]]:
    pending = ""
    for line in lines_of(text):
        content = line.strip(" \t\r\n")
        if not pending and not content:
            yield "blank", line
        elif not pending and content.startswith("#"):
            yield "comment", line
        elif _complete(pending, line):
            yield None, pending + line
            pending = ""
        else:
            pending += line
    if pending:
        raise NotToml("not TOML: the last statement has no end")


def _complete(pending: str, line: str) -> bool:
    if pending and not _CLOSING.search(line):
        return False
    try:
        _shape(pending + line)
    except NotToml:
        return False
    return True


@lru_cache(maxsize=4096)
def _shape(chunk: str) -> Statement:
    try:
        body = tomlkit.parse(chunk).body
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise NotToml(_where(error)) from None
    kind: Kind = "pair"
    path, keys = [], []
    while entry := next(((key, item) for key, item in body if key is not None), None):
        key, item = entry
        path.append(key.key)
        keys.append(key.as_string().strip())
        if isinstance(item, AoT):
            item = item[0]
        if not isinstance(item, Table):
            break
        body = item.value.body
    if chunk.lstrip(" \t").startswith("["):
        kind = "array_header" if chunk.lstrip(" \t").startswith("[[") else "header"
    return Statement(kind, chunk, tuple(path), tuple(keys))


def _where(error: Exception) -> str:
    place = f" near line {error.line}, column {error.col + 1}" if isinstance(error, ParseError) else ""
    if "already exists" in str(error) or "Redefinition" in str(error):
        return f"not TOML: a key or table is defined twice{place}"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
    return f"not TOML: {words}{place}"
