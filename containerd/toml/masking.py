"""Masks credentials in config.toml and hosts.toml: by their tables and keys first, then as any text is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from common import MASK, is_secret_key, mask_text, unified_diff
from containerd.model import NotToml
from containerd.toml.statements import Path, Statement, lines_of, split

_TABLES = frozenset({"auth", "auths", "header", "headers"})
_LINE = re.compile(r"[^\r\n]+")
_ASSIGNMENT = re.compile(r"(?<![\w-])([\w-]+)[\"']?[ \t]*[=:][ \t]*")
_SECRET_WORD = re.compile(r"(?:^|-)(?:auths?|headers?|username)$", re.IGNORECASE)
_VALUE = re.compile(r"((?:\"(?:\\.|[^\"\\])*\"|'[^']*'|[^=\"'])*?=[ \t]*)([^\r\n]*)", re.DOTALL)
_COMMENT = re.compile(r"#[^\r\n]*")
_HEADER = re.compile(r"\s*\[[^\n]*\]\s*(?:#[^\n]*\s*)?")
_SECRET_HEADER = re.compile(r"[.\[\"'\s](?:auths?|headers?)[\]\"'\s.]", re.IGNORECASE)
_OPENERS = {'"""': '"""', "'''": "'''", "[": "]", "{": "}"}


def mask(text: str) -> str:
    """Replace every credential by "****": values of secret keys, what is below auth and header tables, and the rest.

    Comments are masked too. A text that is not TOML is masked by its lines, and more of it than need be.
    Lines without a secret stay byte for byte.
    """
    try:
        masked = "".join(map(_statement, split(text)))
    except NotToml:
        masked = "".join(_lines(text))
    return mask_text(masked)


def toml_diff(path: str, before: str | None, after: str | None) -> str:
    """The masked difference of a config.toml or hosts.toml, as `unified_diff` writes it."""
    return unified_diff(path, before, after, mask)


def _statement(statement: Statement) -> str:
    text = statement.text
    if statement.kind in {"comment", "header", "array_header"}:
        return _comments(text)
    if statement.kind == "blank":
        return text
    if _is_secret(statement.path):
        return _masked_value(text)
    if "{" in text and (is_secret_key(text) or _assigned(text) != text):
        text = _inline(text)
    first, *rest = lines_of(text)
    if '"""' in text or "'''" in text:
        rest = list(map(_assigned, rest))
    return _comments("".join([first, *rest]))


def _is_secret(path: Path) -> bool:
    return any(key.casefold() in _TABLES for key in path) or bool(path and is_secret_key(path[-1]))


def _masked_value(text: str) -> str:
    """Replace a whole statement's value, and the comment behind it, which may hold an old one."""
    match = _VALUE.match(text)
    lead = match[1] if match else ""
    ending = re.search(r"\r?\n?\Z", text)
    return f"{lead}{MASK}{ending[0] if ending else ''}"


def _inline(text: str) -> str:
    try:
        document = tomlkit.parse(text)
        _hide(document)
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, KeyError):
        return _masked_value(text)


def _hide(value: Any) -> None:
    if isinstance(value, dict):
        for key in list(value):
            if _is_secret((str(key),)):
                value[key] = MASK.strip('"')
            else:
                _hide(value[key])
    elif isinstance(value, list):
        for item in value:
            _hide(item)


def _comments(text: str) -> str:
    return _COMMENT.sub(lambda comment: _assigned(comment[0]), text) if "#" in text else text


def _assigned(text: str) -> str:
    """Mask what is assigned to a secret key, to the end of its line."""
    return _LINE.sub(lambda line: _assigned_line(line[0]), text)


def _assigned_line(line: str) -> str:
    for found in _ASSIGNMENT.finditer(line):
        if found.end() < len(line) and (is_secret_key(found[1]) or _SECRET_WORD.search(found[1])):
            return f"{line[: found.end()]}{MASK}"
    return line


def _lines(text: str) -> Iterator[str]:
    """Mask a text that no parser understands, with values that run on over lines."""
    secret_table, closing = False, None
    for line in lines_of(text):
        ending = line[len(line.rstrip("\r\n")) :]
        if closing is not None:
            closing = None if closing in line else closing
            yield MASK + ending
        elif _HEADER.fullmatch(line) or _secret_header(line):
            secret_table = _secret_header(line)
            yield _comments(line)
        elif line.lstrip().startswith("#") or not line.strip():
            yield _assigned(line)
        else:
            masked = _masked_value(line) if secret_table else _assigned(line)
            closing = _left_open(line) if masked != line else None
            yield masked


def _secret_header(line: str) -> bool:
    return line.lstrip().startswith("[") and bool(_SECRET_HEADER.search(line))


def _left_open(line: str) -> str | None:
    """What ends the value that this line begins, when the line itself does not."""
    match = _VALUE.match(line)
    value = match[2] if match else ""
    for opening, closing in _OPENERS.items():
        if value.startswith(opening):
            return None if closing in value[len(opening) :] else closing
    return None
