"""The journals that a cell's controllers have left."""

from __future__ import annotations

import fcntl
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Lines:
    """One journal: its lines, and whether the run that wrote it is dead."""

    lines: tuple[dict[str, Any], ...]
    dead: bool

    @property
    def exit(self) -> int | None:
        """The exit code that it ends with; None where it just breaks off."""
        return next((line["exit"] for line in self.lines if line["event"] == "finish"), None)

    @property
    def last(self) -> str:
        """The last step that it tells of, and whether that began or ended; nothing where it tells of none."""
        steps = [f"{line['step']}:{line['event']}" for line in self.lines if line["event"] in ("begin", "end")]
        return steps[-1] if steps else ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that nodes ended with."""
        return tuple(line["outcome"] for line in self.lines if line["event"] == "node")


def read(runs: Path) -> list[Lines]:
    """Return the journals below ``runs``, the oldest first."""
    return [_read(file) for file in sorted(runs.glob("*/journal.jsonl"))]


def _read(file: Path) -> Lines:
    lines = []
    with file.open() as text:
        try:
            fcntl.flock(text, fcntl.LOCK_EX | fcntl.LOCK_NB)
            dead = True
        except OSError:
            dead = False
        for line in text:
            with suppress(ValueError):  # half a line: it is being written, or a death cut it off
                lines.append(json.loads(line))
    return Lines(tuple(lines), dead)
