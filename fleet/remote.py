"""Commands on a node: exec channels with real exit codes, bytes in and out, and one deadline."""

from __future__ import annotations

import selectors
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import paramiko
from nornir.core.inventory import Host
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

from fleet.connection import CONNECTION, client_of
from fleet.errors import CommandTimeout, ConnectionLost, ForwardingRefused, Interrupted, SudoRefused

GRACE_SECONDS = 10.0
CHUNK = 32768
LOOK_UP_SECONDS = 0.5


def never() -> bool:
    """Say no: the wish of somebody who waits to the end."""
    return False


@dataclass(frozen=True)
class Completed:
    """How a command ended: -1 is death by a signal."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The last line that the command wrote to stderr, or its exit code."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"exit code {self.exit_code}"


def run_script(
    host: Host,
    script: str,
    *args: str,
    stdin: bytes = b"",
    timeout: float = 30.0,
    cancelled: Callable[[], bool] = never,
) -> Completed:
    """Run a POSIX shell script on ``host`` as root, with ``args`` as its ``$1`` and on, and ``stdin``.

    ``timeout`` is in seconds; a command that takes longer is killed on the node, then given up on. Once ``cancelled``
    says so it is no longer waited for: ``Interrupted``; it may still be running there.
    Raises ``Unreachable`` or ``ConnectionLost`` for the connection, ``CommandTimeout``, and ``SudoRefused`` where the
    user is not root and ``sudo -n`` does not work.
    """
    words = ["timeout", "-k", "5", f"{timeout:.0f}", "sh", "-c", script, "sh", *args]
    sudo = host.username != "root"
    command = shlex.join(["sudo", "-n", *words] if sudo else words)
    done = _execute(client_of(host), command, stdin, timeout + GRACE_SECONDS, cancelled)
    if done.exit_code == 124:
        raise CommandTimeout(f"a step took longer than {timeout:.0f} s and was stopped")
    if sudo and done.exit_code in (1, 127) and b"sudo: " in done.stderr:
        message = f"sudo -n is refused for {host.username} ({done.complaint}); allow it without a password"
        raise SudoRefused(message)
    return done


def reconnect(host: Host) -> None:
    """Close the connection to ``host`` and open a new one. Raises ``Unreachable``."""
    if CONNECTION in host.connections:
        host.close_connection(CONNECTION)
    client_of(host)


def http_status(host: Host, url: str, timeout: float = 5.0) -> int | None:
    """Ask ``url`` from ``host`` and return the HTTP status; ``None`` where nothing answers there.

    The request goes through the node's sshd, so that the node needs no client of its own. ``timeout`` is in seconds.
    Raises ``Unreachable``, and ``ForwardingRefused`` where sshd forwards nothing (AllowTcpForwarding no).
    """
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    transport = client_of(host).get_transport()
    try:
        if transport is None:
            raise ConnectionLost("the connection is gone")
        with transport.open_channel("direct-tcpip", address, ("", 0), timeout=timeout) as wire:
            wire.settimeout(timeout)
            connection = HTTPConnection(*address)
            connection.sock = wire
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("GET", path, headers={"Connection": "close"})
            return connection.getresponse().status
    except paramiko.ChannelException as error:
        if error.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
            raise ForwardingRefused("sshd there forwards nothing (AllowTcpForwarding no)") from None
        return None
    except (paramiko.SSHException, OSError, EOFError, HTTPException):
        return None


def _execute(
    client: paramiko.SSHClient, command: str, stdin: bytes, seconds: float, cancelled: Callable[[], bool]
) -> Completed:
    deadline = time.monotonic() + seconds
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise ConnectionLost("the connection is gone")
    try:
        channel = transport.open_session(timeout=min(seconds, 15.0))
        try:
            channel.exec_command(command)
            return _pump(channel, stdin, deadline, cancelled)
        finally:
            channel.close()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ConnectionLost(f"the connection broke: {error or type(error).__name__}") from error


def _pump(channel: paramiko.Channel, stdin: bytes, deadline: float, cancelled: Callable[[], bool]) -> Completed:
    """Move stdin, stdout and stderr together; paramiko's own readers can deadlock (paramiko #1778, #2685)."""
    output: tuple[bytearray, bytearray] = (bytearray(), bytearray())
    pending = memoryview(stdin)
    channel.setblocking(0)
    if not pending:
        channel.shutdown_write()
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while not _drain(channel, output):
            if pending and channel.send_ready():
                pending = pending[channel.send(bytes(pending[:CHUNK])) :]
                if not pending:
                    channel.shutdown_write()
            if cancelled():
                raise Interrupted("interrupted by the operator")
            _check_deadline(channel, deadline)
            selector.select(0.001 if pending else min(LOOK_UP_SECONDS, max(0.0, deadline - time.monotonic())))
    return Completed(_exit_code(channel, deadline), bytes(output[0]), bytes(output[1]))


def _drain(channel: paramiko.Channel, output: tuple[bytearray, bytearray]) -> bool:
    """Take what has arrived; return whether that was the end of it."""
    ended = bool(channel.eof_received or channel.closed)
    while channel.recv_ready():
        output[0].extend(channel.recv(65536))
    while channel.recv_stderr_ready():
        output[1].extend(channel.recv_stderr(65536))
    return ended


def _check_deadline(channel: paramiko.Channel, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise CommandTimeout("a command did not answer within its deadline")
    transport = channel.get_transport()
    if not transport.is_active():
        raise ConnectionLost("the connection broke while a command was running")


def _exit_code(channel: paramiko.Channel, deadline: float) -> int:
    channel.status_event.wait(max(0.1, deadline - time.monotonic()))
    if not channel.exit_status_ready():
        raise CommandTimeout("a command did not report its end within its deadline")
    if channel.exit_status == -1 and not channel.get_transport().is_active():
        raise ConnectionLost("the connection broke while a command was running")
    return int(channel.exit_status)
