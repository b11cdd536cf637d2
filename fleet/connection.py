"""The one way to a node: nornir-netmiko's plugin, used for its SSH transport only."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeAlias

import paramiko
from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir_netmiko.connections.netmiko import CONNECTION_NAME, Netmiko

from fleet.credentials import Credentials, CredentialStore
from fleet.descriptors import exhausted
from fleet.errors import Unreachable
from fleet.known_hosts import UntrustedHostKey
from fleet.login import CONNECT_SECONDS, LoginRefused, Server, log_in, transport_of

CONNECTION: str = CONNECTION_NAME
DEAD_SECONDS = 10.0
"""For how long a bastion that failed is not tried again: it costs the nodes behind it one timeout, not one each."""

Options: TypeAlias = dict[str, Any]
_NETMIKO: Options = {"device_type": "linux", "auto_connect": False, "ssh_config_file": None}


class NodeConnection(Netmiko):  # type: ignore[misc]  # nornir-netmiko has no types
    """nornir-netmiko's connection, opened as a bare SSH transport for exec channels.

    Host keys are strict whatever the inventory says. No shell is opened, so that nornir-netmiko's own tasks do not
    work on it: netmiko's reading of prompts loses output and exit codes on Linux (netmiko #1234).
    """

    def open(  # noqa: PLR0917  # Nornir's ConnectionPlugin says so
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,
        extras: dict[str, Any] | None = None,
        configuration: Config | None = None,  # noqa: ARG002
    ) -> None:
        """Connect and log in, or raise ``Unreachable`` with what to do."""
        options = extras or {}
        node = Server(str(hostname), port or 22, str(username))
        credentials = _store.of(options)
        super().open(hostname, username, password, node.port, platform, _NETMIKO)
        with _explained(node):
            wire = _through(options["jump"], node, credentials) if options.get("jump") else _socket(node)
            self.connection.remote_conn_pre = log_in(node, wire, credentials)

    def close(self) -> None:
        """Close the transport. A bastion's stays open for the other nodes behind it."""
        self.connection.remote_conn_pre.close()


_store = CredentialStore()


class _Bastion:
    """One bastion: a login that all nodes behind it share, or why there is none."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._client: paramiko.SSHClient | None = None
        self._failure: Unreachable | None = None
        self._failed_at = 0.0

    def transport(self, credentials: Credentials) -> paramiko.Transport:
        """Return its transport, logged in where it is not. Raises ``Unreachable``, also that of a moment ago."""
        with self._lock:
            if self._client is None or not transport_of(self._client).is_active():
                if self._failure and time.monotonic() - self._failed_at < DEAD_SECONDS:
                    raise Unreachable(str(self._failure))
                self._client = self._logged_in(credentials)
            return transport_of(self._client)

    def _logged_in(self, credentials: Credentials) -> paramiko.SSHClient:
        try:
            with _explained(self._server):
                return log_in(self._server, _socket(self._server), credentials)
        except Unreachable as error:
            self._failure, self._failed_at = error, time.monotonic()
            raise


_bastions: dict[str, _Bastion] = {}
_bastions_lock = Lock()


def _through(jump: str, node: Server, credentials: Credentials) -> Any:
    """Open a way to ``node`` through the bastion ``jump``, where one login serves all nodes behind it.

    A login a node would run into sshd's MaxStartups, which drops some of those that come at once.
    """
    with _bastions_lock:
        bastion = _bastions.setdefault(jump, _Bastion(Server.parse(jump)))
    transport = bastion.transport(credentials)
    return transport.open_channel("direct-tcpip", (node.address, node.port), ("", 0), timeout=CONNECT_SECONDS)


@contextmanager
def _explained(server: Server) -> Iterator[None]:
    """Turn what SSH says into ``Unreachable`` with what to do about ``server``."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise Unreachable(_explain(error, server)) from error


def _socket(server: Server) -> socket.socket:
    wire = socket.create_connection((server.address, server.port), timeout=CONNECT_SECONDS)
    # Without it each command waits some 40 ms for a delayed acknowledgement; paramiko never sets it.
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def _explain(error: BaseException, server: Server) -> str:
    where = f"{server.address}:{server.port}"
    if isinstance(error, UntrustedHostKey):
        return str(error)
    if isinstance(error, LoginRefused):
        return f"{where} {error}"
    if isinstance(error, socket.gaierror):
        return f"{server.address} does not resolve; correct the inventory or the resolver"
    if why := exhausted(error):
        return why
    return f"no SSH connection to {where} ({error or type(error).__name__}); is it up, and its sshd?"


ConnectionPluginRegister.register(CONNECTION, NodeConnection)


def client_of(host: Host) -> paramiko.SSHClient:
    """Return the SSH client of ``host``, connected at the first call. Raises ``Unreachable``."""
    connection = host.get_connection(CONNECTION, Config())
    client = connection.remote_conn_pre
    assert isinstance(client, paramiko.SSHClient)  # noqa: S101
    return client
