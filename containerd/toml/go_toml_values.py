"""Numbers, dates and times of TOML, and what a text is that a daemon's parser does not read."""

from __future__ import annotations

import datetime
import math
import re

# Dates and times are checked and not kept: no setting of containerd is one.
MOMENT = datetime.datetime(2000, 1, 1)

_INT64 = range(-(2**63), 2**63)
_DIGITS = r"[0-9](?:_?[0-9])*"
_INTEGER = re.compile(rf"[+-]?{_DIGITS}")
_BASED = re.compile(r"0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*")
_REAL = re.compile(rf"[+-]?{_DIGITS}(?:\.{_DIGITS})?(?:[eE][+-]?{_DIGITS})?")
_SPECIAL = re.compile(r"[+-]?(?:inf|nan)")
_ZERO = re.compile(r"[+-]?0_?[0-9]")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(?:^|[Tt ])(\d\d):(\d\d)(:\d\d(?:\.\d+)?)?(.*)$", re.ASCII | re.DOTALL)
_FORM = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?)?|\d\d:\d\d(?::\d\d(?:\.\d+)?)?",
    re.ASCII,
)
_ZONE = re.compile(r"[Zz]|[+-]\d\d:\d\d", re.ASCII)
# More digits are in no number of 64 bits.
_LONGEST = 400


class NotRead(Exception):
    """A text that the daemon's parser does not read: why, and the line and column where; it quotes nothing of it."""

    def __init__(self, message: str, text: str, at: int) -> None:
        self.line = text.count("\n", 0, at) + 1
        super().__init__(f"not TOML: {message} near line {self.line}, column {at - text.rfind(chr(10), 0, at)}")


def number_of(text: str, *, zeros: bool = False) -> int | float | None:
    """A number of any kind, None where the text is none; `zeros` allows them in front."""
    value = _integer(text, zeros=zeros)
    return _real(text, zeros=zeros) if value is None else value


def is_moment(text: str, *, last_second: int = 59, seconds: bool = True) -> bool:
    """Whether a text is a date, a time, or both; `seconds` tells whether a time must have them."""
    date, time = _DATE.match(text), _TIME.search(text)
    zone = time[4] if time else ""
    length = (len(date[0]) if date else 0) + (len(time[0]) if time else 0)
    if length != len(text) or not (date or time) or (date and not _is_day(*map(int, date.groups()))):
        return False
    if zone and not (date and _ZONE.fullmatch(zone) and (not zone[1:] or (int(zone[1:3]) < 24 and int(zone[4:]) < 60))):
        return False
    if time is None:
        return True
    second = int(time[3][1:3]) if time[3] else 0
    return int(time[1]) < 24 and int(time[2]) < 60 and second <= last_second and bool(time[3] or not seconds)


def has_form(text: str) -> bool:
    """Whether a text has the form of a number, a date or a time, whatever its size or its day."""
    number = any(form.fullmatch(text) for form in (_BASED, _REAL, _SPECIAL)) and not _ZERO.match(text)
    return number or _FORM.fullmatch(text) is not None


def _integer(text: str, *, zeros: bool) -> int | None:
    if _BASED.fullmatch(text):
        value = int(text.replace("_", ""), 0)
    elif _INTEGER.fullmatch(text) and len(text) < _LONGEST and (zeros or not _ZERO.match(text)):
        value = int(text.replace("_", ""))
    else:
        return None
    return value if value in _INT64 else None


def _real(text: str, *, zeros: bool) -> float | None:
    if _SPECIAL.fullmatch(text):
        return float(text)
    if not _REAL.fullmatch(text) or _INTEGER.fullmatch(text) or (not zeros and _ZERO.match(text)):
        return None
    value = float(text.replace("_", ""))
    return None if math.isinf(value) else value


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year or 2000, month, day)
    except ValueError:
        return False
    return True
