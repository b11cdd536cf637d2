"""Ctrl-C, SIGTERM and SIGHUP as a wish that is heard between steps, not an exception in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Whether the operator asked to stop. Nodes in flight finish; nothing new starts. ``say`` tells the operator so."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._asked = threading.Event()
        self._say = say

    @property
    def asked(self) -> bool:
        """Whether a signal has come."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask for it."""
        self._asked.set()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the operator asks to stop."""
        self._asked.wait(seconds)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals as that wish, and put their handlers back afterwards. For the main thread."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self._say("stopping: nodes in flight finish, nothing new starts")
            self.ask()

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
