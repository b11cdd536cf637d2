"""The one way to a node: nornir-netmiko's plugin, used for its SSH transport only."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import paramiko
from nornir.core.configuration import Config
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir_netmiko.connections.netmiko import CONNECTION_NAME, Netmiko

from fleet.errors import Unreachable

CONNECTION: str = CONNECTION_NAME
CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 15


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
        address, number = str(hostname), port or 22
        super().open(hostname, username, password, number, platform, _netmiko_arguments(options))
        self._clients: list[paramiko.SSHClient] = []
        try:
            if options.get("jump"):
                through = self._open_bastion(options["jump"]).get_transport()
                assert through is not None  # noqa: S101
                wire: Any = through.open_channel("direct-tcpip", (address, number), ("", 0), timeout=CONNECT_SECONDS)
            else:
                wire = _socket(address, number)
            self.connection.remote_conn_pre = self._log_in(wire, address, number, str(username))
        except BaseException as error:
            self.close()
            if isinstance(error, (OSError, EOFError, paramiko.SSHException)):
                raise Unreachable(_explain(error, address, number, str(username), options)) from error
            raise

    def close(self) -> None:
        """Close the transport, and the bastion's."""
        for client in reversed(self._clients):
            client.close()

    def _log_in(self, wire: Any, address: str, port: int, username: str) -> paramiko.SSHClient:
        self.connection.key_policy = _RefuseUnknown()
        client: paramiko.SSHClient = self.connection._build_ssh_client()
        self._clients.append(client)
        arguments = self.connection._connect_params_dict()
        client.connect(**arguments | {"hostname": address, "port": port, "username": username, "sock": wire})
        transport = client.get_transport()
        assert transport is not None  # noqa: S101
        transport.set_keepalive(KEEPALIVE_SECONDS)
        return client

    def _open_bastion(self, jump: str) -> paramiko.SSHClient:
        user, _, address = jump.rpartition("@")
        name, colon, port = address.rpartition(":")
        host, number = (name, int(port)) if colon and port.isdigit() else (address, 22)
        return self._log_in(_socket(host, number), host, number, user)


def _netmiko_arguments(options: dict[str, Any]) -> dict[str, Any]:
    key_file = options.get("key_file")
    known_hosts = options.get("known_hosts") or "~/.ssh/known_hosts"
    return {
        "device_type": "linux",
        "auto_connect": False,
        "ssh_config_file": None,
        "use_keys": not key_file,
        "key_file": str(Path(key_file).expanduser()) if key_file else None,
        "allow_agent": bool(options.get("use_agent")),
        "alt_host_keys": True,
        "alt_key_file": str(Path(known_hosts).expanduser()),
        "ssh_strict": True,
        "conn_timeout": CONNECT_SECONDS,
        "auth_timeout": CONNECT_SECONDS,
        "banner_timeout": CONNECT_SECONDS,
    }


def _socket(address: str, port: int) -> socket.socket:
    wire = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
    # Without it each command waits some 40 ms for a delayed acknowledgement; paramiko never sets it.
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def _explain(error: BaseException, address: str, port: int, username: str, options: dict[str, Any]) -> str:
    where = f"{address}:{port}"
    known_hosts = options.get("known_hosts") or "~/.ssh/known_hosts"
    if isinstance(error, paramiko.BadHostKeyException):
        return (
            f"the host key of {where} is not the one in {known_hosts}: somebody else may answer; "
            f"after a reinstallation compare its key on the console, then ssh-keygen -R {address} -f {known_hosts}"
        )
    if isinstance(error, UnknownHostKey):
        return (
            f"the host key of {where} is not in {known_hosts} ({error}); compare it on the node's console, "
            f"then add it with ssh-keyscan -p {port} {address}"
        )
    if isinstance(error, paramiko.AuthenticationException):
        key = options.get("key_file") or ("the agent's keys" if options.get("use_agent") else "the keys in ~/.ssh")
        return f"{where} refused the login of {username} with {key}; add its public key to authorized_keys there"
    if isinstance(error, socket.gaierror):
        return f"{address} does not resolve; correct hostname in hosts.yaml or the resolver"
    if isinstance(error, FileNotFoundError):
        return f"key_file {options.get('key_file')} does not exist; correct key_file in the inventory"
    return f"no SSH connection to {where} ({error or type(error).__name__}); is the node up, and its sshd?"


ConnectionPluginRegister.register(CONNECTION, NodeConnection)


def client_of(host: Host) -> paramiko.SSHClient:
    """Return the SSH client of ``host``, connected at the first call. Raises ``Unreachable``."""
    connection = host.get_connection(CONNECTION, Config())
    client = connection.remote_conn_pre
    assert isinstance(client, paramiko.SSHClient)  # noqa: S101
    return client
