"""What containerd's own TOML parsers read: go-toml 1 in containerd 1.x, go-toml 2 in 2.x."""

from __future__ import annotations

import codecs
import datetime
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from containerd.errors import NotToml
from containerd.files import Dead
from containerd.statements import parse, split

_INT64 = range(-(2**63), 2**63)
_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_QUOTED = r'"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'"
_HEADER = re.compile(rf"^[ \t]*\[(?:{_QUOTED}|[^\]\"'\n#])+\]", re.MULTILINE)
_HEADER_AND_MORE = re.compile(rf"{_HEADER.pattern}\]?(?=[ \t]*[^\s#\]])", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#.*", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@lru_cache(maxsize=256)
def load(text: str, file: str, major: int) -> Mapping[str, Any]:
    """Parse a file as that major version of containerd does. Raises Dead where the daemon would not start on it.

    go-toml 1 overlooks a byte order mark, bytes that are not UTF-8, control characters in comments, and a key behind
    its [table] on one line; it fails over dates without a time, and over brackets in the quotes of a [table]. What else
    it overlooks (a dotted key's table that is opened again as [table]) is dead here.
    """
    said = f"failed to load TOML: {file}: " if major == 1 else "failed to unmarshal TOML: "
    try:
        data = _parse_1(text) if major == 1 else parse(text)
        text.encode(errors="strict" if major > 1 else "surrogateescape")
    except UnicodeEncodeError:
        raise Dead(f"{said}not UTF-8") from None
    except NotToml as error:
        raise Dead(said + str(error)) from None
    if not _small(data):
        raise Dead(f"{said}a number does not fit into 64 bits")
    if major == 1 and _has_date(data):
        raise Dead(f"{said}incorrect date/time separation character")
    return data


def _parse_1(text: str) -> Mapping[str, Any]:
    readable = _overlooked(text)
    try:
        data = parse(readable)
    except NotToml:
        apart = _apart(readable)
        if apart == readable:
            raise
        readable, data = apart, parse(apart)
    if any(_has_bracket(header[1:-1]) for header in map(str.strip, _HEADER.findall(readable))):
        headers = (statement.path for statement in split(readable) if "header" in statement.kind)
        if any(_has_bracket("".join(path)) for path in headers):
            raise NotToml("not TOML for go-toml 1: a table's name has a bracket in quotes")
    return data


def _has_bracket(text: str) -> bool:
    return "[" in text or "]" in text


def _apart(text: str) -> str:
    """The text with a new line after each header that has more behind it."""
    while (apart := _HEADER_AND_MORE.sub(r"\g<0>\n", text)) != text:
        text = apart
    return text


def _overlooked(text: str) -> str:
    content = text.encode(errors="surrogateescape")
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    readable = content[len(mark) :].decode(errors="replace")
    return _COMMENT.sub(lambda comment: _CONTROL.sub(" ", comment[0]), readable)


def _small(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_small, value.values()))
    if isinstance(value, list):
        return all(map(_small, value))
    return type(value) is not int or value in _INT64


def _has_date(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_date, value.values()))
    if isinstance(value, list):
        return any(map(_has_date, value))
    return type(value) is datetime.date
