"""A lossless view of a TOML file, as the statements that it is written in.

A statement is a minimal run of whole lines that is TOML by itself. A text is parsed before it is split, so that
strings, brackets and comments are all that splitting has to know: each of them is passed once, in linear time.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from containerd.model import NotToml

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
_KEY = re.compile(r"[ \t]*(?:([A-Za-z0-9_-]+)|(\"(?:[^\"\\\n]|\\.)*\")|'([^'\n]*)')[ \t]*(\.)?")
_TOKEN = re.compile(
    r'\"\"\"(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'{3}(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|[\[{\]}\n]"
    r"""|[^"'#\[\]{}\n]+""",
    re.DOTALL,
)


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
    at = 0
    while at < len(text):
        end = _end(text, at)
        chunk, at = text[at:end], end
        content = chunk.lstrip(" \t")
        if not content.strip("\r\n"):
            yield Statement("blank", chunk)
        elif content.startswith("#"):
            yield Statement("comment", chunk)
        elif content.startswith("["):
            many = content.startswith("[[")
            table, keys = _keys(content[2 if many else 1 :])
            yield Statement("array_header" if many else "header", chunk, table, keys)
        else:
            path, keys = _keys(content)
            yield Statement("pair", chunk, (*table, *path), keys)


def _end(text: str, at: int) -> int:
    """Where the statement ends that begins at a place: behind the first new line outside of strings and brackets."""
    depth = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise NotToml("not TOML: a string has no end")
        at = token.end()
        if token[0] == "\n" and not depth:
            break
        depth += (token[0] in {"[", "{"}) - (token[0] in {"]", "}"})
    return at


def _keys(text: str) -> tuple[Path, tuple[str, ...]]:
    """The keys that a text begins with, as they are meant and as they are spelled."""
    path: list[str] = []
    spelled: list[str] = []
    at, more = 0, True
    while more:
        key = _KEY.match(text, at)
        if key is None:
            raise NotToml("not TOML: a key is missing")
        bare, basic, literal, dot = key.groups()
        meant = bare if bare is not None else literal
        path.append(meant if meant is not None else parse(f"key = {basic}\n")["key"])
        spelled.append(key[0][: len(key[0]) - len(dot or "")].strip(" \t"))
        at, more = key.end(), dot is not None
    return tuple(path), tuple(spelled)


def _where(text: str, said: str) -> str:
    """The parser's words in ours; it quotes keys, never values."""
    words, _, place = said.partition(" (at ")
    if re.search("twice|overwrite|[Dd]uplicate|immutable", words):
        words = "a key or table is defined twice"
    if not place.startswith("line"):
        place = f"line {text.count(chr(10)) + 1}"
    hint = "; it looks like a template: render it first" if "{{" in text or "{%" in text else ""
    return f"not TOML: {words[:1].lower()}{words[1:]} near {place.rstrip(')')}{hint}"
