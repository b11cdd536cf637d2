"""Masks what is a credential by its shape, whatever key it is under: URLs, connection strings, keys, flags.

Each pattern takes time in proportion to the text, whoever wrote it: it begins only where a word begins, so that no word
is read twice. What a word must hold is asked in Python.
"""

from __future__ import annotations

import re

_KEY = re.compile(
    "password|passwd|passphrase|secret|token|credential|authorization|cookie|"
    "(?:private|api|access|account)[_-]?key|shared[_-]?access",
    re.IGNORECASE,
)
_SECRET_WORD = re.compile(r"(?:^|[-_])(?:auths?|auth[-_]config|headers?|username|userpwd|pwd|pass|sig)$", re.IGNORECASE)

_URL_USER = re.compile(r"(://)[^/\s\"'@]*(?:@[^/\s\"'@]*)*@")
_BEFORE_AT = re.compile(r"(?<![^\s\"'/@])([^\s\"'/@]+)@")
_BEFORE_USER = re.compile(r"[(\[=]")
_BEFORE_QUERY = re.compile(r"(?<![^\s\"'?])([^\s\"'?]+)\?")
_URL = re.compile(r"https?://")
_QUERY = re.compile(r"[^\s\"'#]*")
# Which registry a mirror is asked for: containerd adds it to every request.
_NAMESPACE = re.compile(r"ns=[A-Za-z0-9.:%-]+")
_WORD = re.compile(r"[^\s\"']+")
# A password may hold a slash in the connection string of a database, which no web address can have before its host.
_TRANSPORT = re.compile(r"@(?:tcp[46]?|udp|unix|cloudsql)\(", re.IGNORECASE)
_NO_WEB = re.compile(r"(?<![A-Za-z0-9+.-])(?!https?:)([A-Za-z][A-Za-z0-9+.-]{0,30}://)")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_SCHEME = re.compile(r"(?<![\w-])((?:basic|bearer|negotiate)[ \t]+)([^\s\"',;\\]+)", re.IGNORECASE)
_SCHEME_PROSE = re.compile(
    r"\*+|(?:auth|authentication|authorization|challenge|tokens?|realm(?:=.*)?)[.:)]*", re.IGNORECASE
)
# A flag, and the next argument: of a command line, or the next item of a list, maybe on the next line.
_FLAG = re.compile(
    r"(?<![\w-])(--?)([A-Za-z][\w-]*)(?:\\?[\"'])?(?:[ \t]*,[ \t]*(?:\r?\n[ \t]*)?|[ \t]*\r?\n[ \t]*-[ \t]+|[ \t]+)"
    r"(?=[^\s,=:\]])"
)
# How far before its flag the word of a command is looked for.
_COMMAND = 300
_ARGUMENT = re.compile(r"(\\\")[^\"\\]*|(\")(?:\\.|[^\"\\])*|(')[^']*|[^\s,\]\"']+", re.DOTALL)


def is_secret(word: str) -> bool:
    """Whether a key, flag or variable of this name has a credential for its value."""
    return bool(_KEY.search(word) or _SECRET_WORD.search(word))


def is_secret_key(key: str) -> bool:
    """Whether a key of a table is one by its own name, without ``username`` and other words that need a context."""
    return bool(_KEY.search(key))


def without_private_keys(text: str) -> str:
    """Replace the body of every private key in PEM, to the end of the text where a cut took its end."""
    parts, done = [], 0
    while begin := _PEM_BEGIN.search(text, done):
        end = _PEM_END.search(text, begin.end())
        parts += [text[done : begin.end()], "****"]
        done = end.start() if end else len(text)
    return "".join([*parts, text[done:]])


def without_schemes(text: str) -> str:
    """Replace what follows Basic, Bearer and Negotiate, but for words of plain prose."""
    return _SCHEME.sub(lambda match: match[0] if _SCHEME_PROSE.fullmatch(match[2]) else f"{match[1]}****", text)


def without_arguments(text: str) -> str:
    """Replace the argument behind a flag with a secret name, USER:PASSWORD behind ``-u``, and ``-p`` of a login."""
    parts, done = [], 0
    for flag in _FLAG.finditer(text):
        user = flag[2] in {"u", "user"}
        login = flag[2] == "p" and " login " in text[max(0, flag.start() - _COMMAND) : flag.start()]
        if flag.start() < done or not (user or login or is_secret(flag[2])):
            continue
        argument = _ARGUMENT.match(text, flag.end())
        if argument is None:
            continue
        opening = argument[1] or argument[2] or argument[3] or ""
        value = argument[0][len(opening) :]
        if value.startswith("--") or (user and ":" not in value):
            continue
        parts += [text[done : flag.end()], opening, "****"]
        done = argument.end()
    return "".join([*parts, text[done:]])


def mask_urls(text: str) -> str:
    """Replace what is a credential by its shape: userinfo and queries of URLs, keys in PEM, and what a scheme precedes.

    For a value or a message whose own words may look like keys; ``mask`` is for texts that somebody else wrote.
    """
    text = without_schemes(without_private_keys(text))
    text = _WORD.sub(_without_connection, text) if "@" in text else text
    return _without_queries(_BEFORE_AT.sub(_without_user, _URL_USER.sub(r"\1****@", text)))


def _without_connection(match: re.Match[str]) -> str:
    """Mask the userinfo of a database's connection string, to its last @."""
    word = match[0]
    if transports := list(_TRANSPORT.finditer(word)):
        at = transports[-1].start()
        user, colon, _ = word[:at].partition(":")
        name, equals, _ = user.rpartition("=")
        return f"{name}{equals}****{word[at:]}" if colon else word
    scheme = _NO_WEB.search(word)
    if scheme and (at := word.rfind("@")) >= scheme.end():
        return f"{word[: scheme.end()]}****{word[at:]}"
    return word


def _without_user(match: re.Match[str]) -> str:
    """Mask the userinfo, USER:PASSWORD, that a word before an @ is, or ends with."""
    word = match[1]
    begins = [] if match.string[match.start() - 1 : match.start()] in ("/", "@") else [0]
    for start in (*begins, *(found.end() for found in _BEFORE_USER.finditer(word))):
        colon = word.find(":", start)
        if colon in (-1, len(word) - 1):
            break
        if colon > start:
            return f"{word[:start]}****@"
    return match[0]


def _without_queries(text: str) -> str:
    """Mask the query of every URL."""
    parts, done = [], 0
    for found in _BEFORE_QUERY.finditer(text):
        if found.start() < done or not _URL.search(found[1]):
            continue
        query = _QUERY.match(text, found.end())
        if query and query[0] and not _NAMESPACE.fullmatch(query[0]):
            parts += [text[done : found.end()], "****"]
            done = query.end()
    return "".join([*parts, text[done:]])
