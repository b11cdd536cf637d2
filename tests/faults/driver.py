"""Runs the real command line in this process, and holds still at one point of the run until it is told to go on.

    python tests/faults/driver.py POINT REACHED GO WORD…

POINT is ``step:begin`` or ``step:end``, with ``#2`` behind it for its second time. Right after the journal has that
line, the file REACHED is made, and the thread that wrote it waits for the file GO. The run knows nothing of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300


class Pause:
    """Holds the run still at one point, once."""

    def __init__(self, point: str, reached: Path, go: Path) -> None:
        self._step, _, edge = point.partition(":")
        self._edge, _, number = edge.partition("#")
        self._left = int(number or 1)
        self._reached, self._go = reached, go
        self._lock = Lock()

    def at(self, edge: str, step: str) -> None:
        """Wait here, where this is the point."""
        with self._lock:
            if (edge, step) != (self._edge, self._step):
                return
            self._left -= 1
            if self._left != 0:
                return
        self._reached.touch()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._go.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def behind(self, write: Callable[..., Any], edge: str, step: int | str) -> Callable[..., Any]:
        """Return ``write``, after which the run may hold still; ``step`` is its name, or which argument names it."""

        @wraps(write)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            written = write(*args, **kwargs)
            self.at(edge, step if isinstance(step, str) else str(kwargs.get("step", args[step])))
            return written

        return wrapped


def hook(pause: Pause) -> None:
    """Let ``pause`` look at each line that a journal has written."""
    from fleet.journal import Journal  # noqa: PLC0415

    Journal.begin = pause.behind(Journal.begin, "begin", 2)  # type: ignore[method-assign]
    Journal.end = pause.behind(Journal.end, "end", 2)  # type: ignore[method-assign]
    Journal.planned = pause.behind(Journal.planned, "end", "plan")  # type: ignore[method-assign]


def main() -> None:
    """Drive the command line to its own end and exit code."""
    point, reached, go, *words = sys.argv[1:]
    sys.path[0] = str(PROJECT)
    hook(Pause(point, Path(reached), Path(go)))
    sys.argv = ["main.py", *words]
    from main import main as front_door  # noqa: PLC0415

    front_door()


if __name__ == "__main__":
    main()
