"""What a task asks of one machine, whoever answers it: SSH, or in unit tests a script of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from common import brief, mask

REMOTE = "remote"
"""The key of a host's data under which a test puts what answers instead of SSH."""


Reply: TypeAlias = Callable[[str], bytes | None]
"""Takes one report of a program (``begin``, ``done STEP``) and returns what it reads next; ``None`` ends its input."""


def never() -> bool:
    """Return False: the answer of somebody who waits to the end."""
    return False


@dataclass(frozen=True)
class ShellScript:
    """A POSIX shell script; the name is what progress, errors and tests call it by."""

    name: str
    text: str


@dataclass(frozen=True)
class Completed:
    """How a script or a subcommand ended: the exit code -1 is death by a signal."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The last line that the script wrote to stderr, cut to a message and masked, or its exit code."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return mask(brief(lines[-1].strip())) if lines else f"exit code {self.exit_code}"


class Remote(Protocol):
    """One machine. Every method but ``door`` connects first where nothing is connected, and may raise ``Unreachable``.

    A connection is used by one thread at a time, but for ``http_status``, which several threads may call at once.
    """

    @property
    def door(self) -> tuple[str, int] | None:
        """The address and port of its sshd; ``None`` where a bastion is in between."""

    def connect(self) -> None:
        """Connect and log in, where that is not done yet or the connection has died since."""

    def reconnect(self) -> None:
        """Close the connection and open a new one."""

    def run(
        self,
        script: ShellScript,
        *args: str,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> Completed:
        """Run ``script`` as root, with ``args`` as its ``$1`` and on, and ``stdin``.

        ``timeout`` is in seconds; what takes longer is killed on the machine, then given up on. Stdout may have 16 MB;
        of stderr the last 64 KB are kept. Once ``cancelled`` says so it is no longer waited for: ``Interrupted``; it
        may still be running there.
        Raises ``ConnectionLost``, ``CommandTimeout`` and ``AnswerTooLong`` (a ``CommandTimeout``). Where nothing was
        begun it raises ``SudoRefused`` for a user who is not root, ``NotStarted`` for root.
        """

    def call(
        self,
        program: ShellScript,
        subcommand: str,
        options: Sequence[str] = (),
        *,
        stdin: bytes = b"",
        reply: Reply | None = None,
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> Completed:
        """Run ``subcommand`` of ``program`` as root, with ``options`` (``--name``, ``value``, and so on) and ``stdin``.

        The program prints its own markers, which it is given as ``--marker``. ``reply`` is called with each of its
        reports, in order; where it raises, the program sees the end of its input. Limits and errors are those of
        ``run``.
        """

    def http_status(self, url: str, timeout: float = 5.0) -> int | None:
        """Ask ``url`` from the machine and return the HTTP status; ``None`` where nothing answers there.

        ``timeout`` is in seconds, and for the whole exchange. Raises ``ForwardingRefused`` where its sshd forwards
        nothing.
        """
