"""Processes by id and start time, so that a reused id is never taken for the process that once had it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError


@dataclass(frozen=True)
class Process:
    """A process as it was recorded."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Return whether this very process still runs."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """Return when a process started, in ticks since boot; None when there is none or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def every_pid() -> list[int]:
    """Return the ids of all processes but this one."""
    own = os.getpid()
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != own]  # noqa: PTH208


def kill_all(find: Callable[[], set[int]], within: float = 10) -> None:
    """Kill what `find` finds, again and again until it finds nothing.

    Raises LabError when something is still there after `within` seconds.
    """
    deadline = time.monotonic() + within
    while pids := {pid for pid in find() if start_time(pid) is not None}:
        if time.monotonic() > deadline:
            raise LabError(f"processes that do not end: {' '.join(map(str, sorted(pids)))}")
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
