"""Ends a wait that has no deadline of its own, by cutting off what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType

from fleet.remote import never

LOOK_UP_SECONDS = 0.5
PATIENCE_SECONDS = 1.0
"""What a caller that looks at the deadline itself gets to end in its own way."""


class Watchdog:
    """Runs ``cut``, once, where the block is not left at ``deadline`` or soon after ``cancelled`` says so.

    ``cut`` closes what the block waits for, so that the block ends with an error; ``bitten`` says then that it was
    this deadline, and ``cancelled`` that it was the operator. ``deadline`` is a time of ``time.monotonic``. paramiko
    waits without a limit for the answer to a request, and for a socket that takes nothing more (paramiko #1815).
    """

    def __init__(self, cut: Callable[[], object], deadline: float, cancelled: Callable[[], bool] = never) -> None:
        self.bitten = False
        self.cancelled = False
        self._cut = cut
        self._deadline = deadline
        self._asked = cancelled
        self._left = Event()

    def __enter__(self) -> Watchdog:
        Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()

    def _watch(self) -> None:
        while not (self._asked() or time.monotonic() >= self._deadline):
            if self._left.wait(max(0.0, min(LOOK_UP_SECONDS, self._deadline - time.monotonic()))):
                return
        if self._left.wait(PATIENCE_SECONDS):
            return
        self.cancelled = self._asked()
        self.bitten = True
        with suppress(Exception):
            self._cut()
