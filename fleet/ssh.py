"""A machine over SSH: exec channels with real exit codes, bytes in and out, and one deadline."""

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
from fleet.remote import Completed, ShellScript, never

GRACE_SECONDS = 10.0
CHUNK = 32768
LOOK_UP_SECONDS = 0.5


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
        done = _execute(client_of(self.host), command, stdin, timeout + GRACE_SECONDS, cancelled)
        if done.exit_code == 124:
            raise CommandTimeout(f"a step took longer than {timeout:.0f} s and was stopped")
        if sudo and done.exit_code in (1, 127) and b"sudo: " in done.stderr:
            message = f"sudo -n is refused for {self.host.username} ({done.complaint}); allow it without a password"
            raise SudoRefused(message)
        return done

    def http_status(self, url: str, timeout: float = 5.0) -> int | None:
        """Ask ``url`` through the machine's sshd, so that it needs no client of its own; see ``Remote.http_status``.

        sshd forwards nothing where it has ``AllowTcpForwarding no``.
        """
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 80)
        transport = client_of(self.host).get_transport()
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
