"""A machine that answers from a script instead of over SSH. Requests are recorded, and any answer can go wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fleet.errors import CommandTimeout, ConnectionLost, Interrupted, Unreachable
from fleet.remote import Completed, ShellScript, never
from tasks import wire

CONNECT, RECONNECT, HTTP = "connect", "reconnect", "http_status"
"""What ``when`` calls the requests that are no scripts."""


class Complaint(Exception):
    """The script ends with this message on stderr and this exit code."""

    def __init__(self, message: str, code: int = 1, stdout: bytes = b"") -> None:
        super().__init__(message)
        self.completed = Completed(code, stdout, f"{message}\n".encode() if message else b"")


@dataclass(frozen=True)
class Call:
    """One request that a machine was sent; ``args`` has the options of a subcommand as they were given."""

    name: str
    args: tuple[str, ...] = ()
    stdin: bytes = b""

    @property
    def values(self) -> dict[str, bytes]:
        """Return what standard input carried."""
        return wire.decode(self.stdin)


@dataclass
class Rule:
    """What goes wrong with some requests; see ``ScriptedRemote.when``."""

    name: str
    args: tuple[str, ...] = ()
    skip: int = 0
    times: float = math.inf
    begins: Callable[[], object] | None = None
    ends: Callable[[], object] | None = None
    fails: str = ""
    code: int = 1
    answer: bytes | Callable[[Call], bytes] | None = None
    lost: Literal["", "before", "after"] = ""
    unreachable: bool = False
    delay: float = 0.0
    hangs: bool = False

    def applies(self, call: Call) -> bool:
        """Return whether it is for ``call``, and count that."""
        if call.name != self.name or not set(self.args) <= set(call.args):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass
class ScriptedRemote:
    """The part that nodes and cache hosts share; implements ``fleet.remote.Remote``.

    A script ``x`` is answered by the method ``do_x``, which returns the output or raises ``Complaint``. While ``up`` is
    false nothing is reachable.
    """

    address: str
    up: bool = True
    door: tuple[str, int] | None = None
    calls: list[Call] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def when(self, name: str, *args: str, **rule: object) -> Rule:
        """Change how requests ``name`` that have the words ``args`` are answered, the newest rule first.

        ``begins`` and ``ends`` are called before and after the act; ``fails`` is the script's complaint, with the exit
        code ``code``, and nothing is done then; ``answer`` is the output instead; the connection is ``lost`` before or
        after the act; the machine is ``unreachable``; the answer takes ``delay`` seconds, or never comes (``hangs``).
        The first ``skip`` requests pass; ``times`` is how many it is for.
        """
        self.rules.insert(0, Rule(name, args, **rule))  # type: ignore[arg-type]
        return self.rules[0]

    @property
    def scripts(self) -> list[str]:
        """The scripts that were run, in order."""
        return [call.name for call in self.calls if call.name not in (CONNECT, RECONNECT, HTTP)]

    def called(self, name: str) -> list[Call]:
        """Return the requests of one name."""
        return [call for call in self.calls if call.name == name]

    def connect(self) -> None:
        """Connect."""
        self._answer(Call(CONNECT), lambda _: b"")

    def reconnect(self) -> None:
        """Connect anew."""
        self._answer(Call(RECONNECT), lambda _: b"")

    def run(
        self,
        script: ShellScript,
        *args: str,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
        **_limits: object,
    ) -> Completed:
        """Answer a script. What limits an answer is the real connection's affair."""
        act: Callable[[Call], bytes] = getattr(self, "do_" + script.name.replace("-", "_"))
        try:
            return Completed(0, self._answer(Call(script.name, args, stdin), act, timeout, cancelled), b"")
        except Complaint as complaint:
            return complaint.completed

    def call(
        self,
        program: ShellScript,
        subcommand: str,
        options: Sequence[str] = (),
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> Completed:
        """Answer a subcommand of a program, as a script of that name."""
        assert program.text
        script = ShellScript(subcommand, program.text)
        return self.run(script, *options, stdin=stdin, timeout=timeout, cancelled=cancelled)

    def http_status(self, url: str, timeout: float = 5.0) -> int | None:
        """Ask ``url`` from the machine."""
        status = self._answer(Call(HTTP, (url,)), lambda _: str(self.ask(url) or "").encode(), timeout)
        return int(status) if status else None

    def ask(self, url: str) -> int | None:
        """Return what answers ``url``; a machine that asks nobody gets no answer."""
        assert url
        return None

    def _answer(
        self,
        call: Call,
        act: Callable[[Call], bytes],
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> bytes:
        self.calls.append(call)
        rule = next((rule for rule in self.rules if rule.applies(call)), Rule(call.name))
        if not self.up or rule.unreachable:
            raise Unreachable(f"nothing answers on {self.address}:22")
        if rule.begins:
            rule.begins()
        if rule.lost == "before":
            raise ConnectionLost(f"the connection broke during {call.name}")
        _wait(rule, timeout, cancelled)
        if rule.fails:
            raise Complaint(rule.fails, rule.code)
        output = act(call) if rule.answer is None else rule.answer(call) if callable(rule.answer) else rule.answer
        if rule.ends:
            rule.ends()
        if rule.lost == "after":
            raise ConnectionLost(f"the connection broke during {call.name}")
        return output


def _wait(rule: Rule, timeout: float, cancelled: Callable[[], bool]) -> None:
    """Wait as the rule says, cut short as SSH would; nobody waits for the time-out of one that hangs."""
    until = time.monotonic() + rule.delay
    while time.monotonic() < until and not cancelled():
        time.sleep(0.001)
    if cancelled() and (rule.delay or rule.hangs):
        raise Interrupted("interrupted by the operator")
    if rule.hangs:
        raise CommandTimeout(f"{rule.name} did not end within {timeout:g} s")
