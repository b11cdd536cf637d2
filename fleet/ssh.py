"""A machine over SSH: exec channels with real exit codes, bytes in and out, and one deadline."""

from __future__ import annotations

import selectors
import shlex
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import paramiko
from nornir.core.inventory import Host
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from fleet.connection import CONNECTION, client_of
from fleet.errors import AnswerTooLong, CommandTimeout, ConnectionLost, ForwardingRefused, Interrupted, SudoRefused
from fleet.remote import REMOTE, Completed, Remote, ShellScript, never
from fleet.watchdog import LOOK_UP_SECONDS, Watchdog

GRACE_SECONDS = 10.0
OPEN_SECONDS = 15.0
"""For opening a channel, and for the answer to a request on it."""
CHUNK = 32768
ANSWER_BYTES = 16 << 20
"""What a script may print: the facts of a node."""
STDERR_BYTES = 64 << 10
"""How much of the end of its messages is kept."""
INTERRUPTED = "interrupted by the operator"


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
        words = ["timeout", "-k", "5", f"{timeout:.0f}", "sh", "-c", script.text, "sh", *args]
        sudo = self.host.username != "root"
        command = shlex.join(["sudo", "-n", *words] if sudo else words)
        client, seconds = client_of(self.host), timeout + GRACE_SECONDS
        done = _execute(client, script.name, command, stdin, seconds=seconds, cancelled=cancelled)
        if done.exit_code == 124:
            raise CommandTimeout(f"a step took longer than {timeout:.0f} s and was stopped")
        if sudo and done.exit_code in (1, 127) and b"sudo: " in done.stderr:
            message = f"sudo -n is refused for {self.host.username} ({done.complaint}); allow it without a password"
            raise SudoRefused(message)
        return done

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


def _execute(
    client: paramiko.SSHClient,
    script: str,
    command: str,
    stdin: bytes,
    *,
    seconds: float,
    cancelled: Callable[[], bool],
) -> Completed:
    """Run ``command``, which is ``script``, with one deadline from the opening of its channel to its exit code."""
    deadline = time.monotonic() + seconds
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise ConnectionLost("the connection is gone")
    # An sshd that does not answer a request is of no more use: the whole connection is cut.
    with Watchdog(transport.close, deadline, cancelled) as watchdog:
        try:
            with closing(transport.open_session(timeout=min(seconds, OPEN_SECONDS))) as channel:
                _request(channel, command)
                return _pump(channel, _Answer(script), stdin, deadline, cancelled)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if watchdog.cancelled:
                raise Interrupted(INTERRUPTED) from error
            if watchdog.bitten:
                raise CommandTimeout(f"{script}: sshd there did not answer within {seconds:.0f} s") from error
            raise ConnectionLost(f"the connection broke: {error or type(error).__name__}") from error


def _request(channel: paramiko.Channel, command: str) -> None:
    """Have sshd start ``command``. Raises ``ConnectionLost`` where it does not even answer that."""
    with Watchdog(channel.get_transport().close, time.monotonic() + OPEN_SECONDS) as watchdog:
        try:
            channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if watchdog.bitten:
                raise ConnectionLost(f"sshd there did not answer a request within {OPEN_SECONDS:.0f} s") from error
            raise


def _pump(
    channel: paramiko.Channel, answer: _Answer, stdin: bytes, deadline: float, cancelled: Callable[[], bool]
) -> Completed:
    """Move stdin, stdout and stderr together; paramiko's own readers can deadlock (paramiko #1778, #2685)."""
    pending = memoryview(stdin)
    channel.setblocking(0)
    if not pending:
        channel.shutdown_write()
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while not answer.drain(channel):
            if pending and channel.send_ready():
                pending = pending[channel.send(bytes(pending[:CHUNK])) :]
                if not pending:
                    channel.shutdown_write()
            if cancelled():
                raise Interrupted(INTERRUPTED)
            _check_deadline(channel, answer.script, deadline)
            selector.select(0.001 if pending else min(LOOK_UP_SECONDS, max(0.0, deadline - time.monotonic())))
    return answer.completed(_exit_code(channel, answer.script, deadline))


class _Answer:
    """What ``script`` has printed so far: all of stdout within the limit, the end of stderr."""

    def __init__(self, script: str) -> None:
        self.script = script
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._complained = 0

    def drain(self, channel: paramiko.Channel) -> bool:
        """Take what has arrived; return whether that was the end of it. Raises ``AnswerTooLong``."""
        ended = bool(channel.eof_received or channel.closed)
        while channel.recv_ready():
            self._stdout.extend(channel.recv(CHUNK))
            self._check(len(self._stdout))
        while channel.recv_stderr_ready():
            part = channel.recv_stderr(CHUNK)
            self._complained += len(part)
            self._check(self._complained)
            self._stderr.extend(part)
            del self._stderr[:-STDERR_BYTES]
        return ended

    def completed(self, exit_code: int) -> Completed:
        """Return it as the answer of a script that ended with ``exit_code``."""
        return Completed(exit_code, bytes(self._stdout), bytes(self._stderr))

    def _check(self, size: int) -> None:
        if size > ANSWER_BYTES:
            raise AnswerTooLong(
                f"{self.script}: the answer is longer than {ANSWER_BYTES >> 20} MB, and was cut off; see what prints "
                "so much there: a shell's login files, sshd's ForceCommand, or a huge configuration"
            )


def _check_deadline(channel: paramiko.Channel, script: str, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise CommandTimeout(f"{script}: the answer was not complete within its deadline")
    if not channel.get_transport().is_active():
        raise ConnectionLost("the connection broke while a command was running")


def _exit_code(channel: paramiko.Channel, script: str, deadline: float) -> int:
    channel.status_event.wait(max(0.1, deadline - time.monotonic()))
    if not channel.exit_status_ready():
        raise CommandTimeout(f"{script}: its exit code did not come within its deadline")
    if channel.exit_status == -1 and not channel.get_transport().is_active():
        raise ConnectionLost("the connection broke while a command was running")
    return int(channel.exit_status)
