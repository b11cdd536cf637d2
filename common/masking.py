"""Masks credentials in any text that is shown or logged: a message, a log line, a command line, a value, JSON.

Files have a structure that says more (what is below an `auth` table is a secret, whatever its name): who reads TOML or
YAML masks by that first, and then by this. Each pattern takes time in proportion to the text, whoever wrote it: it
begins only where a word begins, so that no word is read twice.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

STARS = "****"
MASK = f'"{STARS}"'
MESSAGE_LENGTH = 2048

_WORDS = (
    "password|passwd|passphrase|secret|token|credential|authorization|signature|"
    "(?:private|api|access|account)[_-]?key|pwd"
)
_SECRET = re.compile(_WORDS, re.IGNORECASE)
_SECRET_WHOLE = re.compile(r"(?:^|[.-])(?:auths?|headers?|username)$", re.IGNORECASE)
_STRING = re.compile(
    r'(?<!\\)"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^\']|\'(?!\'\'))*\'\'\'|'
    r'(?<![\w\\])"(?:[^"\\\r\n]|\\.)*"|(?<![\w\\])\'[^\'\r\n]*\'',
    re.DOTALL,
)
_ASSIGNMENT = re.compile(r"(?<![\w.-])([\w.-]+)(?:\\?[\"'])?[ \t]*(?:=|:(?!:|//))[ \t]*")
_FLAG = re.compile(r"(?<![\w.-])(--?[\w-]+)(?:[ \t]+|(?:\\?[\"'])[ \t\r\n]*,[ \t\r\n]*)(?=[^\s,-])")
_BLANK = re.compile(r"[ \t]*(?:[,;)\]}]|$)")
_SCALAR = re.compile(r"[^\s,}\]]*")
_QUOTES = frozenset("\"'")
_WORD = re.compile(r"[^\s\"']+")
_LINE = re.compile(r"[^\r\n]*")
_SCHEME = re.compile(r"\b(Bearer|Basic)[ \t]+([A-Za-z0-9+/._~-]{6,}=*)", re.IGNORECASE)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")
_URL_USER = re.compile(r"(://)[^/\s\"'@]*(?:@[^/\s\"'@]*)*@")
_BEFORE_AT = re.compile(r"(?<![^\s\"'/@])([^\s\"'/@]+)@")
_BEFORE_USER = re.compile(r"[(\[=]")
_BEFORE_QUERY = re.compile(r"(?<![^\s\"'?])([^\s\"'?]+)\?")
_QUERY = re.compile(r"[^\s\"'#]*")
_CLOSING = {"[": "]", "{": "}"}


def is_secret_key(name: str) -> bool:
    """Whether what has this name is a secret, wherever it stands."""
    return _SECRET.search(name) is not None


def mask_text(text: str) -> str:
    """Replace every credential in ``text`` by ****; what has none stays byte for byte.

    Credentials are what is assigned to a name such as `password`, `--registry-token` or `Authorization` (to the end of
    its string, or of its line), tokens, private keys, and the userinfo and the query of a URL. Masking twice changes
    nothing.
    """
    for step in (_without_private_keys, _without_assigned, _without_tokens, _without_users, _without_queries):
        text = step(text)
    return text


def brief(text: str) -> str:
    """Return what is a message cut to 2,048 characters: before any pattern is run over it, and anybody reads it.

    A word that the cut divides is left out: the half of a secret is not masked.
    """
    if len(text) <= MESSAGE_LENGTH:
        return text
    words = text[:MESSAGE_LENGTH].rsplit(maxsplit=1)
    return f"{words[0] if len(words) > 1 else ''}…"


def _without_private_keys(text: str) -> str:
    parts, done = [], 0
    for begin in _PEM.finditer(text):
        if begin.start() >= done:
            end = _PEM_END.search(text, begin.end())
            parts += [text[done : begin.end()], STARS]
            done = end.start() if end else len(text)
    return "".join([*parts, text[done:]])


def _without_assigned(text: str) -> str:
    strings = {span.start(): span for span in _STRING.finditer(text)}
    parts, done = [], 0
    for start, end, mask in _assigned(text, strings):
        if start >= done and end > start:
            parts += [text[done:start], mask]
            done = end
    return "".join([*parts, text[done:]])


def _assigned(text: str, strings: Mapping[int, re.Match[str]]) -> Iterator[tuple[int, int, str]]:
    """Where the values of secret names begin and end, in order, and what stands there instead."""
    inside = _Inside(strings)
    closing = _closings(text, strings)
    found = [(it.end(), it.start(1), True) for it in _ASSIGNMENT.finditer(text) if _names_a_secret(it[1])]
    found += [(it.end(), it.start(1), False) for it in _FLAG.finditer(text) if is_secret_key(it[1])]
    for at, name, to_the_end in sorted(found):
        around = inside.at(name)
        if at in strings:
            yield at, strings[at].end(), MASK if strings[at][0][0] == '"' else f"'{STARS}'"
        elif around is not None and at <= around[1]:
            line = _LINE.match(text, at)
            end = min(around[1], line.end() if line else at) if around[2] else around[1]
            yield at, end if to_the_end else min(end, _word_end(text, at)), STARS
        elif text[at : at + 1] in _CLOSING and at in closing:
            yield at, closing[at], MASK
        elif text[name - 1 : name] in _QUOTES and to_the_end:  # JSON: a number, true, null, or an escaped string
            yield at, _scalar_end(text, at), MASK
        elif not _BLANK.match(text, at) or not to_the_end:
            line = _LINE.match(text, at)
            yield at, line.end() if to_the_end and line else _word_end(text, at), MASK if to_the_end else STARS


class _Inside:
    """The string that is around a place, for places that come in order."""

    def __init__(self, strings: Mapping[int, re.Match[str]]) -> None:
        self.spans = list(strings.values())
        self.next = 0

    def at(self, place: int) -> tuple[int, int, bool] | None:
        """Begin and end of what is in the quotes, and whether it may have several lines."""
        while self.next < len(self.spans) and self.spans[self.next].end() <= place:
            self.next += 1
        if self.next == len(self.spans) or place < self.spans[self.next].start():
            return None
        span = self.spans[self.next]
        quotes = 3 if span[0][:3] in ('"""', "'''") and len(span[0]) >= 6 else 1
        return span.start() + quotes, span.end() - quotes, quotes == 3


def _closings(text: str, strings: Mapping[int, re.Match[str]]) -> dict[int, int]:
    """Behind which place each bracket that is outside of strings is closed."""
    closed: dict[int, int] = {}
    opened: list[int] = []
    at = 0
    for bracket in re.finditer(r"[\[\]{}\"']", text):
        if bracket.start() < at:
            continue
        if bracket.start() in strings:
            at = strings[bracket.start()].end()
        elif bracket[0] in _CLOSING:
            opened.append(bracket.start())
        elif opened and bracket[0] == _CLOSING[text[opened[-1]]]:
            closed[opened.pop()] = bracket.end()
    return closed


def _names_a_secret(name: str) -> bool:
    return is_secret_key(name) or _SECRET_WHOLE.search(name) is not None


def _scalar_end(text: str, at: int) -> int:
    scalar = _SCALAR.match(text, at)
    return scalar.end() if scalar else at


def _word_end(text: str, at: int) -> int:
    word = _WORD.match(text, at)
    return word.end() if word else at


def _without_tokens(text: str) -> str:
    return _JWT.sub(STARS, _SCHEME.sub(_scheme, text))


def _scheme(match: re.Match[str]) -> str:
    is_token = any(character.isdigit() for character in match[2]) or "." in match[2]
    if match[1].lower() == "basic":
        is_token = _is_login(match[2])
    return f"{match[0][: match.start(2) - match.start()]}{STARS}" if is_token else match[0]


def _is_login(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return False


def _without_users(text: str) -> str:
    return _BEFORE_AT.sub(_without_user, _URL_USER.sub(rf"\1{STARS}@", text))


def _without_user(match: re.Match[str]) -> str:
    """Mask the userinfo, USER:PASSWORD, that a word before an @ is, or ends with."""
    word = match[1]
    begins = [] if match.string[match.start() - 1 : match.start()] in ("/", "@") else [0]
    for start in (*begins, *(found.end() for found in _BEFORE_USER.finditer(word))):
        colon = word.find(":", start)
        if colon in (-1, len(word) - 1):
            break
        if colon > start:
            return f"{word[:start]}{STARS}@"
    return match[0]


def _without_queries(text: str) -> str:
    """Mask the query of every URL."""
    parts, done = [], 0
    for found in _BEFORE_QUERY.finditer(text):
        if found.start() < done or "://" not in found[1]:
            continue
        query = _QUERY.match(text, found.end())
        if query and query[0]:
            parts += [text[done : found.end()], STARS]
            done = query.end()
    return "".join([*parts, text[done:]])
