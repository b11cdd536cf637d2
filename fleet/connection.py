"""The one way to a node: nornir-netmiko's plugin, used for its SSH transport only."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import paramiko
from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir_netmiko.connections.netmiko import CONNECTION_NAME, Netmiko

from fleet.errors import Unreachable
from fleet.watchdog import PATIENCE_SECONDS, Watchdog

CONNECTION: str = CONNECTION_NAME
CONNECT_SECONDS = 10.0
"""For TCP, and for each answer while logging in."""
LOGIN_SECONDS = 30.0
"""For all of it: connecting, and logging in; for a bastion's login as much again."""
DEAD_SECONDS = 10.0
"""For how long a bastion that failed is not tried again: it costs the nodes behind it one timeout, not one each."""
KEEPALIVE_SECONDS = 15


Options: TypeAlias = dict[str, Any]
LogIn: TypeAlias = Callable[["Server", Any], paramiko.SSHClient]


@dataclass(frozen=True)
class Server:
    """Where an sshd answers, and as whom to log in there."""

    address: str
    port: int
    username: str

    @classmethod
    def parse(cls, text: str) -> Server:
        """Read ``user@host`` or ``user@host:port``, which the inventory's model has checked."""
        username, _, place = text.rpartition("@")
        address, colon, port = place.partition(":")
        return cls(address, int(port) if colon else 22, username)


class UnknownHostKey(paramiko.SSHException):
    """The server's key is not in known_hosts."""


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        raise UnknownHostKey(f"{key.get_name()} {key.fingerprint}")


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
        super().open(hostname, username, password, node.port, platform, _netmiko_arguments(options))
        with _explained(node, options):
            wire = _through(options["jump"], node, self._log_in, options) if options.get("jump") else _socket(node)
            self.connection.remote_conn_pre = self._log_in(node, wire)

    def close(self) -> None:
        """Close the transport. A bastion's stays open for the other nodes behind it."""
        self.connection.remote_conn_pre.close()

    def _log_in(self, server: Server, wire: Any) -> paramiko.SSHClient:
        self.connection.key_policy = _RefuseUnknown()
        client: paramiko.SSHClient = self.connection._build_ssh_client()
        arguments = self.connection._connect_params_dict()
        arguments |= {"hostname": server.address, "port": server.port, "username": server.username, "sock": wire}
        arguments["look_for_keys"] = not arguments["key_filename"]
        with Watchdog(wire.close, time.monotonic() + LOGIN_SECONDS - PATIENCE_SECONDS) as watchdog:
            try:
                client.connect(**arguments)
            except BaseException as error:
                client.close()
                wire.close()
                if watchdog.bitten:
                    raise TimeoutError(f"no login within {LOGIN_SECONDS:.0f} s") from error
                raise
        _transport(client).set_keepalive(KEEPALIVE_SECONDS)
        return client


class _Bastion:
    """One bastion: a login that all nodes behind it share, or why there is none."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._client: paramiko.SSHClient | None = None
        self._failure: Unreachable | None = None
        self._failed_at = 0.0

    def transport(self, log_in: LogIn, options: Options) -> paramiko.Transport:
        """Return its transport, logged in where it is not. Raises ``Unreachable``, also that of a moment ago."""
        with self._lock:
            if self._client is None or not _transport(self._client).is_active():
                if self._failure and time.monotonic() - self._failed_at < DEAD_SECONDS:
                    raise Unreachable(str(self._failure))
                self._client = self._logged_in(log_in, options)
            return _transport(self._client)

    def _logged_in(self, log_in: LogIn, options: Options) -> paramiko.SSHClient:
        try:
            with _explained(self._server, options):
                return log_in(self._server, _socket(self._server))
        except Unreachable as error:
            self._failure, self._failed_at = error, time.monotonic()
            raise


_bastions: dict[str, _Bastion] = {}
_bastions_lock = Lock()


def _through(jump: str, node: Server, log_in: LogIn, options: Options) -> Any:
    """Open a way to ``node`` through the bastion ``jump``, where one login serves all nodes behind it.

    A login a node would run into sshd's MaxStartups, which drops some of those that come at once.
    """
    with _bastions_lock:
        bastion = _bastions.setdefault(jump, _Bastion(Server.parse(jump)))
    transport = bastion.transport(log_in, options)
    return transport.open_channel("direct-tcpip", (node.address, node.port), ("", 0), timeout=CONNECT_SECONDS)


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    if transport is None:
        raise paramiko.SSHException("the connection is closed")
    return transport


@contextmanager
def _explained(server: Server, options: Options) -> Iterator[None]:
    """Turn what SSH says into ``Unreachable`` with what to do about ``server``."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise Unreachable(_explain(error, server, options)) from error


def _netmiko_arguments(options: Options) -> dict[str, Any]:
    key_file = options.get("key_file")
    known_hosts = options.get("known_hosts") or "~/.ssh/known_hosts"
    return {
        "device_type": "linux",
        "auto_connect": False,
        "ssh_config_file": None,
        # netmiko's own check of key_file is a ValueError; _log_in looks for other keys where none is named.
        "use_keys": False,
        "key_file": str(Path(key_file).expanduser()) if key_file else None,
        "allow_agent": bool(options.get("use_agent")),
        "alt_host_keys": True,
        "alt_key_file": str(Path(known_hosts).expanduser()),
        "ssh_strict": True,
        "conn_timeout": CONNECT_SECONDS,
        "auth_timeout": CONNECT_SECONDS,
        "banner_timeout": CONNECT_SECONDS,
    }


def _socket(server: Server) -> socket.socket:
    wire = socket.create_connection((server.address, server.port), timeout=CONNECT_SECONDS)
    # Without it each command waits some 40 ms for a delayed acknowledgement; paramiko never sets it.
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def _explain(error: BaseException, server: Server, options: Options) -> str:
    address = server.address
    where = f"{address}:{server.port}"
    known_hosts = options.get("known_hosts") or "~/.ssh/known_hosts"
    if isinstance(error, paramiko.BadHostKeyException):
        return (
            f"the host key of {where} is not the one in {known_hosts}: somebody else may answer; "
            f"after a reinstallation compare its key on the console, then ssh-keygen -R {address} -f {known_hosts}"
        )
    if isinstance(error, UnknownHostKey):
        return (
            f"the host key of {where} is not in {known_hosts} ({error}); compare it on the console there, "
            f"then add it with ssh-keyscan -p {server.port} {address}"
        )
    if isinstance(error, paramiko.AuthenticationException):
        key = options.get("key_file") or ("the agent's keys" if options.get("use_agent") else "the keys in ~/.ssh")
        return f"{where} refused the login of {server.username} with {key}; add its public key to authorized_keys there"
    if isinstance(error, socket.gaierror):
        return f"{address} does not resolve; correct the inventory or the resolver"
    if isinstance(error, FileNotFoundError):
        return f"key_file {options.get('key_file')} does not exist; correct key_file in the inventory"
    return f"no SSH connection to {where} ({error or type(error).__name__}); is it up, and its sshd?"


ConnectionPluginRegister.register(CONNECTION, NodeConnection)


def client_of(host: Host) -> paramiko.SSHClient:
    """Return the SSH client of ``host``, connected at the first call. Raises ``Unreachable``."""
    connection = host.get_connection(CONNECTION, Config())
    client = connection.remote_conn_pre
    assert isinstance(client, paramiko.SSHClient)  # noqa: S101
    return client
