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
    with ``reads``, where nothing is changed, nothing is waited for any longer; else they finish all the same. Three
    times: nothing is waited for any longer, whatever it is. ``say`` tells the operator so.
    """

    def __init__(
        self, say: Callable[[str], None] = lambda _: None, *, undoes: bool = False, reads: bool = False
    ) -> None:
        self._asked = threading.Event()
        self._urgent = threading.Event()
        self._over = threading.Event()
        self._say = say
        self._undoes = undoes
        self._reads = reads
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

    @property
    def over(self) -> bool:
        """Whether nothing is to be waited for any longer."""
        return self._over.is_set()

    def to_the_end(self) -> Stop:
        """Return a stop for work that is brought to its end once begun: only ``over`` comes through to it."""
        stop = Stop()
        stop._over = self._over
        return stop

    def ask(self) -> None:
        """Ask for it; a second time, urgently; a third time, for an end at once."""
        if self.urgent or (self.asked and self._reads):
            self._over.set()
        if self.asked:
            self._urgent.set()
        self._asked.set()

    @property
    def _message(self) -> str:
        if self.over:
            left = "" if self._reads else "; a node whose revert timer runs rolls back automatically: status shows it"
            return f"leaving: no node is waited for any longer{left}"
        if self.urgent and self._undoes:
            return "stopping now: nodes in flight are rolled back; once more: leave at once"
        if self.urgent:
            return "stopping: nodes in flight finish; once more: leave at once"
        more = "they are rolled back now" if self._undoes else "no node is waited for" if self._reads else ""
        return f"stopping: nodes in flight finish, nothing new starts{f'; once more: {more}' if more else ''}"

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the operator asks urgently."""
        self._urgent.wait(seconds)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals as that wish, and put their handlers back afterwards. For the main thread."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.ask()
            self._hear(self.urgent)
            self._say(self._message)

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
