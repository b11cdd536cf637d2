"""Ctrl-C, SIGTERM and SIGHUP as wishes that are heard between steps, not exceptions in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """What the operator asked for.

    Once: nothing new starts, and nodes in flight finish. Twice: with ``undoes``, nodes in flight are rolled back now;
    where nothing is to be rolled back they finish all the same. ``say`` tells the operator so.
    """

    def __init__(self, say: Callable[[str], None] = lambda _: None, *, undoes: bool = False) -> None:
        self._asked = threading.Event()
        self._urgent = threading.Event()
        self._say = say
        self._undoes = undoes
        self._hear: Callable[[bool], None] = lambda _: None

    def hear(self, listener: Callable[[bool], None]) -> None:
        """Tell ``listener`` of each signal, and whether it was urgent."""
        self._hear = listener

    @property
    def asked(self) -> bool:
        """Whether a signal has come."""
        return self._asked.is_set()

    @property
    def urgent(self) -> bool:
        """Whether a second one has come."""
        return self._urgent.is_set()

    def ask(self) -> None:
        """Ask for it; a second time, urgently."""
        if self._asked.is_set():
            self._urgent.set()
        self._asked.set()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the operator asks urgently."""
        self._urgent.wait(seconds)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals as that wish, and put their handlers back afterwards. For the main thread."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.ask()
            self._hear(self.urgent)
            if self.urgent and self._undoes:
                self._say("stopping now: nodes in flight are rolled back")
            else:
                more = "; once more: they are rolled back now" if self._undoes else ""
                self._say(f"stopping: nodes in flight finish, nothing new starts{more}")

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
