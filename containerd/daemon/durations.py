"""Go's durations and URLs, as far as containerd refuses some of them."""

from __future__ import annotations

import re

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 2**63 / 1e9
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r"(?::[0-9]*)?", re.ASCII)
_NO_HOST = set(' <>"^\\`{}|')


def is_duration(text: str) -> bool:
    """Whether Go's time.ParseDuration reads a text."""
    if not _DURATION.fullmatch(text):
        return False
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)) < _LONGEST


def is_url(text: str) -> bool:
    """Whether Go's url.Parse reads a text: it refuses control characters, half escapes, bad ports and `10.0.0.1:5000`.

    That last one has no scheme, since schemes begin with a letter, and a colon in its first segment.
    """
    text = text.partition("#")[0]
    if any(ord(letter) < 0x20 or letter == "\x7f" for letter in text) or text.startswith(":"):
        return False
    scheme = _SCHEME.match(text)
    rest = (text[scheme.end() :] if scheme else text).partition("?")[0]
    if _BAD_ESCAPE.search(rest):
        return False
    if rest.startswith("//"):
        return _is_authority(rest[2:].partition("/")[0])
    return scheme is not None or rest.startswith("/") or ":" not in rest.partition("/")[0]


def _is_authority(authority: str) -> bool:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        inner, bracket, port = host[1:].rpartition("]")
        return bool(inner and bracket) and _PORT.fullmatch(port) is not None
    _, colon, port = host.rpartition(":")
    return not set(host) & _NO_HOST and _PORT.fullmatch(colon + port if colon else "") is not None
