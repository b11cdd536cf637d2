"""How scripts on a node and their tasks exchange values of any bytes: a line each, ``=BASE64 NAME``."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from common import brief, mask
from tasks.errors import StepFailed


def encode(values: Mapping[str, bytes]) -> bytes:
    """Return ``values`` as lines for a script's standard input."""
    return b"".join(b"=%s %s\n" % (base64.b64encode(value), name.encode()) for name, value in values.items())


def decode(lines: bytes) -> dict[str, bytes]:
    """Return what a script emitted. Raises ``StepFailed`` when it is cut short or is something else."""
    values: dict[str, bytes] = {}
    for line in filter(None, lines.split(b"\n")):
        data, _, name = line.partition(b" ")
        if not data.startswith(b"=") or not name:
            raise StepFailed("the node's answer was cut short")
        try:
            values[name.decode(errors="replace")] = base64.b64decode(data[1:], validate=True)
        except ValueError:
            raise StepFailed("the node's answer was cut short") from None
    return values


def text(values: Mapping[str, bytes], name: str) -> str:
    """Return one value as text without white space around it, empty where it was not emitted."""
    return values.get(name, b"").decode(errors="replace").strip()


def message(values: Mapping[str, bytes], name: str) -> str:
    """Return the same of what programs have written: each line is cut to a message, and its credentials are masked."""
    return "\n".join(mask(brief(line)) for line in text(values, name).split("\n"))
