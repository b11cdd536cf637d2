"""Masks credentials in every text that is shown or kept: files, messages, log lines, command lines.

Two views are laid over each other: what is a credential by its shape (`common.shapes`), and what is the value of a key
such as ``password``. TOML has a step of its own, because only its grammar says where a table of headers begins, and
where a value ends that goes on over lines. Any other text is masked by its lines, and more of it than need be.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import tomlkit
from tomlkit.exceptions import TOMLKitError

from common.shapes import is_secret, is_secret_key, mask_urls, without_arguments, without_private_keys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MASK = '"****"'
MESSAGE_LENGTH = 2048

_TABLES = frozenset({"auth", "auths", "header", "headers"})
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_LINE = re.compile(r"[^\r\n]+")
_ASSIGNMENT = re.compile(r"(?<![\w-])([\w-]+)(?:\\*[\"'])?[ \t]*[=:][ \t]*")
# In containerd's own words of a login that failed, a reason follows, and no token.
_REASON = re.compile(r"failed to fetch (?:anonymous|oauth) token: $")
_REASON_LENGTH = len("failed to fetch anonymous token: ")
_VALUE = re.compile(r"((?:\"(?:\\.|[^\"\\])*\"|'[^']*'|[^=\"'])*?=[ \t]*)([^\r\n]*)", re.DOTALL)
_HEADER = re.compile(r"\s*\[[^\n]*\]\s*(?:#[^\n]*\s*)?")
_SECRET_HEADER = re.compile(r"[.\[\"'\s](?:auths?|headers?)[\]\"'\s.]", re.IGNORECASE)
_LIST_ITEM = re.compile(r"[ \t]*-(?:[ \t]|$)")
_COMMENT = re.compile(r"#[^\r\n]*")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")
# One without an end is taken whole, so that it is read once.
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\])*\"?|'[^']*'?", re.DOTALL)
_TOML_KEY = re.compile(r"[ \t]*(?:([A-Za-z0-9_-]+)|(\"(?:[^\"\\\n]|\\.)*\")|'([^'\n]*)')[ \t]*(\.)?")
_TOKEN = re.compile(
    r'(?P<long>\"\"\"(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'{3}(?:[^']|'(?!''))*'{3,5})"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*')"
    r"|(?P<comment>#[^\n]*)|[\[{\]}\n]"
    r"""|[^"'#\[\]{}\n]+""",
    re.DOTALL,
)


def mask(text: str) -> str:
    """Replace every credential in any text by ****: TOML, YAML, JSON, log lines, messages and command lines.

    Comments are masked too. Lines without a secret stay byte for byte. What is cut anywhere is masked to its end.
    """
    text = without_arguments(without_private_keys(text))
    try:
        tomllib.loads(text)
        masked = "".join(_toml(text))
    except (tomllib.TOMLDecodeError, RecursionError):
        masked = "".join(_lines(text))
    return mask_urls(masked)


def brief(text: str) -> str:
    """Return what is a message cut to 2,048 characters: before any pattern is run over it, and anybody reads it.

    A word that the cut divides is left out: the half of a secret is not masked.
    """
    if len(text) <= MESSAGE_LENGTH:
        return text
    words = text[:MESSAGE_LENGTH].rsplit(maxsplit=1)
    return f"{words[0] if len(words) > 1 else ''}…"


def lines_of(text: str) -> list[str]:
    """Return the lines of a text with their endings; only a newline ends one."""
    return _LINES.findall(text)


def _toml(text: str) -> Iterator[str]:
    """Mask TOML statement by statement: a statement is a run of whole lines, and a value is in one of them."""
    table: tuple[str, ...] = ()
    at = 0
    while at < len(text):
        end = _statement_end(text, at)
        statement, at = text[at:end], end
        content = statement.lstrip(" \t")
        if content.startswith("["):
            table = _keys(content.lstrip("["))
            yield _comments(statement)
        elif content.startswith("#") or not content.strip():
            yield _assigned(statement)
        elif _is_secret_path((*table, *_keys(content))):
            yield _masked_value(statement)
        else:
            yield _pair(statement)


def _statement_end(text: str, at: int) -> int:
    """Where the statement ends that begins at a place: behind the first new line outside of strings and brackets."""
    depth = 0
    while at < len(text) and (token := _TOKEN.match(text, at)):
        at = token.end()
        if token[0] == "\n" and depth <= 0:
            return at
        depth += (token[0] in {"[", "{"}) - (token[0] in {"]", "}"})
    return at if at >= len(text) else len(text)


def _keys(text: str) -> tuple[str, ...]:
    """The keys that a text begins with, as they are meant."""
    keys: list[str] = []
    at = 0
    while key := _TOML_KEY.match(text, at):
        bare, basic, literal, dot = key.groups()
        meant = bare if bare is not None else literal
        keys.append(meant if meant is not None else tomllib.loads(f"key = {basic}\n")["key"])
        at = key.end()
        if dot is None:
            break
    return tuple(keys)


def _is_secret_path(path: tuple[str, ...]) -> bool:
    """Whether a value is a credential. A key with a dot is the name of a host, which may have any word in it."""
    return (
        any(key.casefold() in _TABLES for key in path)
        or any(is_secret_key(key) for key in path if "." not in key)
        or bool(path and is_secret_key(path[-1]))
    )


def _masked_value(text: str) -> str:
    """Replace a whole statement's value, and the comment behind it, which may hold an old one."""
    match = _VALUE.match(text)
    lead = match[1] if match else ""
    ending = re.search(r"\r?\n?\Z", text)
    return f"{lead}{MASK}{ending[0] if ending else ''}"


def _pair(text: str) -> str:
    """Mask what is inside of a value: keys of inline tables, strings that assign, and comments."""
    if "{" in text and (is_secret_key(text) or _assigned(text) != text):
        text = _inline(text)
    return _TOKEN.sub(_masked_token, text)


def _masked_token(token: re.Match[str]) -> str:
    text = token[0]
    if token["long"] or token["comment"]:
        return _assigned(text[:-3]) + text[-3:] if token["long"] else _assigned(text)
    if token["string"]:
        return f"{text[0]}{_assigned_line(text[1:-1], '****')}{text[-1]}"
    return text


def _inline(text: str) -> str:
    try:
        document = tomlkit.parse(text)
        _hide(document)
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, KeyError):
        return _masked_value(text)


def _hide(value: object) -> None:
    if isinstance(value, dict):
        for key in list(value):
            if _is_secret_path((str(key),)):
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


def _assigned_line(line: str, mask: str = MASK) -> str:
    key = _secret_assignment(line)
    return f"{line[: key.end()]}{mask}" if key else line


def _secret_assignment(line: str) -> re.Match[str] | None:
    """The first assignment to a secret key in a line, which has a value there."""
    return next((key for key in _secret_keys(line) if key.end() < len(line)), None)


def _secret_keys(line: str) -> Iterator[re.Match[str]]:
    """The secret keys that are assigned to in a line."""
    for key in _ASSIGNMENT.finditer(line):
        if is_secret(key[1]) and not _REASON.search(line, max(0, key.end() - _REASON_LENGTH), key.end()):
            yield key


def _lines(text: str) -> Iterator[str]:
    """Mask a text that is not TOML, with values that go on over lines."""
    secret_table, value = False, _Value()
    for line in lines_of(text):
        ending = line[len(line.rstrip("\r\n")) :]
        if value.goes_on(line):
            yield MASK + ending if line.strip() else line
        elif _HEADER.fullmatch(line) or _secret_header(line):
            secret_table = _secret_header(line)
            yield _comments(line)
        elif line.lstrip().startswith("#") or not line.strip():
            yield _assigned(line)
        else:
            value = _Value(line, whole=secret_table)
            yield _masked_value(line) if secret_table else _assigned(line)


def _secret_header(line: str) -> bool:
    if not line.lstrip().startswith("["):
        return False
    try:
        keys = _keys(line.lstrip("[ \t"))
    except tomllib.TOMLDecodeError:
        return True
    return bool(_SECRET_HEADER.search(line)) or _is_secret_path(keys)


class _Value:
    """A secret value that a line begins, and whether further lines belong to it: by quotes, brackets or indentation."""

    def __init__(self, line: str = "", *, whole: bool = False) -> None:
        self._closing, self._opening, self._depth, self._column, self._empty = "", "", 0, -1, False
        line = line.rstrip("\r\n")
        key = next(_ASSIGNMENT.finditer(line) if whole else _secret_keys(line), None)
        if key is None:
            return
        value = line[key.end() :]
        self._empty = not value.strip()
        if ":" in key[0]:
            lead = line[: key.start()]
            self._column = len(lead) if not lead.strip(" \t-\"'") else len(line) - len(line.lstrip())
        for opening, closing in (('"""', '"""'), ("'''", "'''"), ("[", "]"), ("{", "}"), ('"', '"'), ("'", "'")):
            if value.startswith(opening):
                self._open(opening, closing, value)
                return

    def _open(self, opening: str, closing: str, value: str) -> None:
        if closing in "]}":
            self._opening, self._closing = opening, closing
            self._count(value)
        elif (len(opening) == 3 and closing not in value[3:]) or (
            len(opening) == 1 and not _STRING.match(value) and self._column >= 0
        ):
            self._closing = closing

    def _count(self, text: str) -> None:
        bare = _STRINGS.sub("", text)
        self._depth += bare.count(self._opening) - bare.count(self._closing)
        if self._depth <= 0:
            self._closing, self._opening = "", ""

    def goes_on(self, line: str) -> bool:
        """Whether a line belongs to the value; the line that closes it does."""
        if self._opening:
            self._count(line)
            return True
        if self._closing:
            self._closing = "" if self._closing in line else self._closing
            return True
        if self._column < 0:
            return False
        if not line.strip():
            return True
        indent = len(line) - len(line.lstrip(" \t"))
        deeper = indent > self._column or (indent == self._column and self._empty and bool(_LIST_ITEM.match(line)))
        self._column = self._column if deeper else -1
        return deeper
