"""A lossless view of a TOML file, as the statements that it is written in.

A statement is a minimal run of whole lines that parses as TOML by itself. The whole file has been parsed before, so
that brackets and quotes alone tell where one ends; to try each line with the parser would take the square of the time.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from containerd.errors import NotToml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Path: TypeAlias = tuple[str, ...]
Kind: TypeAlias = Literal["header", "array_header", "pair", "comment", "blank"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Bytes that are not UTF-8 come as surrogates, so that they are there to be found.
_NOT_UTF_8 = re.compile("[\ud800-\udfff]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(r"""\"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'|\#|[\[\]{}]""")
_STRING_ENDS = {'"' * 3: re.compile(r'(?:\\.|[^\\])*?"{3,5}', re.DOTALL), "'" * 3: re.compile(r".*?'{3,5}", re.DOTALL)}


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


@lru_cache(maxsize=256)
def parse(text: str) -> Mapping[str, Any]:
    """Parse a whole file into plain data, which is shared: copy it before changing it. Raises NotToml.

    The standard library reads; tomlkit, which edits, takes valid files with tables out of order for invalid ones, and
    overlooks some duplicates (tomlkit 0.15).
    """
    if text.startswith("\ufeff"):
        raise NotToml("not TOML: the file begins with a byte order mark (line 1, column 1): remove it")
    if stray := _NOT_UTF_8.search(text):
        raise NotToml(f"not TOML: not UTF-8 near line {text.count(chr(10), 0, stray.start()) + 1}")
    try:
        data: Mapping[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(_where(text, str(error))) from None
    except RecursionError:
        raise NotToml("not TOML that anybody means: it is nested too deeply near line 1") from None
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
    pending: list[str] = []
    reader = _Open()
    for line in lines_of(text):
        content = line.strip(" \t\r\n")
        if not pending and not content:
            yield "blank", line
        elif not pending and content.startswith("#"):
            yield "comment", line
        else:
            pending.append(line)
            if reader.read(line):
                yield None, "".join(pending)
                pending = []
    if pending:
        raise NotToml("not TOML: the last statement has no end")


class _Open:
    """What a statement that runs over lines has open: a multi-line string, or so many brackets."""

    def __init__(self) -> None:
        self._string = ""
        self._brackets = 0

    def read(self, line: str) -> bool:
        """Take in the next line, and return whether the statement ends with it."""
        place = 0
        while place < len(line):
            if self._string:
                end = _STRING_ENDS[self._string].match(line, place)
                if end is None:
                    break
                self._string, place = "", end.end()
                continue
            token = _TOKEN.search(line, place)
            if token is None or token[0] == "#":
                break
            place = token.end()
            if token[0] in _STRING_ENDS:
                self._string = token[0]
            else:
                self._brackets += (token[0] in "[{") - (token[0] in "]}")
        return not self._string and self._brackets == 0


@lru_cache(maxsize=4096)
def _shape(chunk: str) -> Statement:
    try:
        body = tomlkit.parse(chunk).body
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise NotToml(f"not TOML: {type(error).__name__}") from None
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


def _where(text: str, said: str) -> str:
    """The parser's words in ours; it quotes keys, never values."""
    words, _, place = said.partition(" (at ")
    if re.search("twice|overwrite|[Dd]uplicate|immutable", words):
        words = "a key or table is defined twice"
    if not place.startswith("line"):
        place = f"line {text.count(chr(10)) + 1}"
    hint = "; it looks like a template: render it first" if "{{" in text or "{%" in text else ""
    return f"not TOML: {words[:1].lower()}{words[1:]} near {place.rstrip(')')}{hint}"
