"""A machine over SSH: programs that run there as root, and what is asked from there."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import paramiko
from nornir.core.inventory import Host
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from fleet.channel import Request, execute
from fleet.connection import CONNECTION, client_of
from fleet.errors import CommandTimeout, ConnectionLost, ForwardingRefused, NotStarted, SudoRefused
from fleet.framing import Frame
from fleet.remote import REMOTE, Completed, Remote, Reply, ShellScript, never
from fleet.watchdog import Watchdog

GRACE_SECONDS = 10.0
TIMED_OUT = (124, 137)
"""How ``timeout`` ends where it had to stop a program, the second where that had to be killed."""


@dataclass(frozen=True)
class SshRemote:
    """A ``Remote`` over the SSH connection of ``host``, opened at the first call."""

    host: Host

    @property
    def door(self) -> tuple[str, int] | None:
        """The address and port of its sshd; ``None`` where a bastion is in between."""
        options = self.host.get_connection_parameters(CONNECTION)
        return None if (options.extras or {}).get("jump") else (str(options.hostname), options.port or 22)

    def connect(self) -> None:
        """Connect and log in, where that is not done yet or the connection has died since. Raises ``Unreachable``."""
        transport = client_of(self.host).get_transport()
        if transport is None or not transport.is_active():
            self.reconnect()

    def reconnect(self) -> None:
        """Close the connection and open a new one. Raises ``Unreachable``."""
        if CONNECTION in self.host.connections:
            self.host.close_connection(CONNECTION)
        client_of(self.host)

    def run(
        self,
        script: ShellScript,
        *args: str,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> Completed:
        """Run ``script`` as root; see ``Remote.run``."""
        frame = Frame()
        return self._run(_Sent(script.name, frame.enclosed(script.text), frame, args, stdin, timeout), cancelled)

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
        """Run ``subcommand`` of ``program`` as root; see ``Remote.call``."""
        frame = Frame()
        words = (subcommand, "--marker", frame.marker, *options)
        return self._run(_Sent(subcommand, program.text, frame, words, stdin, timeout, reply), cancelled)

    def _run(self, sent: _Sent, cancelled: Callable[[], bool]) -> Completed:
        """Run what is ``sent``, and return how it ended by its own word where it could still give it."""
        user = str(self.host.username)
        done = execute(client_of(self.host), sent.request(as_root=user == "root"), cancelled)
        answer = sent.frame.answer(done.stdout)
        if answer is None:
            raise _not_started(user, done.complaint)
        if answer.exit_code is not None:
            return Completed(answer.exit_code, answer.stdout, done.stderr)
        if done.exit_code in TIMED_OUT:
            raise CommandTimeout(f"{sent.name} took longer than {sent.timeout:.0f} s and was stopped")
        return Completed(done.exit_code or -1, answer.stdout, done.stderr)

    def http_status(self, url: str, timeout: float = 5.0) -> int | None:
        """Ask ``url`` through the machine's sshd, so that it needs no client of its own; see ``Remote.http_status``.

        ``timeout`` is for the whole exchange. sshd forwards nothing where it has ``AllowTcpForwarding no``.
        """
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 80)
        transport = client_of(self.host).get_transport()
        deadline = time.monotonic() + timeout
        try:
            if transport is None:
                raise ConnectionLost("the connection is gone")
            with (
                transport.open_channel("direct-tcpip", address, ("", 0), timeout=timeout) as wire,
                Watchdog(wire.close, deadline),
            ):
                wire.settimeout(max(0.1, deadline - time.monotonic()))
                connection = HTTPConnection(*address)
                connection.sock = wire
                path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
                connection.request("GET", path, headers={"Connection": "close"})
                # http.client limits each line and the number of headers; of the body nothing is read.
                return connection.getresponse().status
        except paramiko.ChannelException as error:
            if error.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
                raise ForwardingRefused("sshd there forwards nothing (AllowTcpForwarding no)") from None
            return None
        except (paramiko.SSHException, OSError, EOFError, HTTPException):
            return None


def remote_of(host: Host) -> Remote:
    """Return what answers for ``host``: SSH, unless its data has something else."""
    given: Remote | None = host.data.get(REMOTE)
    return SshRemote(host) if given is None else given


@dataclass(frozen=True)
class _Sent:
    """One program on its way: ``args`` are its own, and ``stdin`` is what it reads; ``timeout`` is in seconds."""

    name: str
    text: str
    frame: Frame
    args: Sequence[str]
    stdin: bytes
    timeout: float
    reply: Reply | None = None

    def request(self, *, as_root: bool) -> Request:
        """Return what is asked of sshd: to read the program and to run it, and to stop it when its time is over."""
        packed = self.frame.packed(self.text)
        words = ["timeout", "-k", "5", f"{self.timeout:.0f}", *self.frame.words(self.name, packed, self.args)]
        command = shlex.join(words if as_root else ["sudo", "-n", *words])
        seconds = self.timeout + GRACE_SECONDS
        return Request(self.name, command, packed + self.stdin, seconds, self._replies() if self.reply else None)

    def _replies(self) -> Callable[[bytearray], bytes | None]:
        """Return what gives each report to ``reply`` once, as far as a program has come."""
        place = 0

        def replies(stdout: bytearray) -> bytes | None:
            nonlocal place
            assert self.reply  # noqa: S101
            reports, place = self.frame.reports(stdout, place)
            answers = [self.reply(report) for report in reports]
            return None if None in answers else b"".join(answer for answer in answers if answer)

        return replies


def _not_started(user: str, complaint: str) -> NotStarted:
    if user == "root":
        return NotStarted(f"no program starts there ({complaint}); see root's login shell, and sshd's ForceCommand")
    return SudoRefused(f"sudo -n is refused for {user} ({complaint}); allow it without a password")
