"""A login over an open wire: the host key is checked first, then keys are tried."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey, SourceResult

from fleet.credentials import Credentials
from fleet.keys import LoginKeys
from fleet.known_hosts import KnownHosts
from fleet.watchdog import PATIENCE_SECONDS, Watchdog

CONNECT_SECONDS = 10.0
"""For TCP, and for each answer while logging in."""
LOGIN_SECONDS = 30.0
"""For all of it: connecting, and logging in; for a bastion's login as much again."""
KEEPALIVE_SECONDS = 15


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


class LoginRefused(paramiko.AuthenticationException):
    """The server takes none of the keys; the message says what to do."""


def log_in(server: Server, wire: Any, credentials: Credentials) -> paramiko.SSHClient:
    """Return a client that is logged in to ``server`` over ``wire``, which is closed where that fails.

    Raises ``UntrustedHostKey``, ``LoginRefused``, ``CredentialError`` of the agent, ``TimeoutError``, and what breaks a
    connection: ``OSError``, ``EOFError``, ``paramiko.SSHException``.
    """
    client = paramiko.SSHClient()
    host_keys = _HostKeys(server, credentials.known_hosts)
    client.set_missing_host_key_policy(host_keys)
    with Watchdog(wire.close, time.monotonic() + LOGIN_SECONDS - PATIENCE_SECONDS) as watchdog:
        try:
            client.connect(
                server.address,
                server.port,
                server.username,
                sock=wire,
                timeout=CONNECT_SECONDS,
                banner_timeout=CONNECT_SECONDS,
                auth_timeout=CONNECT_SECONDS,
                transport_factory=host_keys.transport,
                auth_strategy=_Keys(server.username, credentials.keys),
            )
        except BaseException as error:
            client.close()
            wire.close()
            if watchdog.bitten:
                raise TimeoutError(f"no login within {LOGIN_SECONDS:.0f} s") from error
            raise
    transport_of(client).set_keepalive(KEEPALIVE_SECONDS)
    return client


def transport_of(client: paramiko.SSHClient) -> paramiko.Transport:
    """Return the transport of a client. Raises ``paramiko.SSHException`` where it is closed."""
    transport = client.get_transport()
    if transport is None:
        raise paramiko.SSHException("the connection is closed")
    return transport


class _HostKeys(paramiko.MissingHostKeyPolicy):
    """Has known_hosts decide on each key: paramiko is given none to compare, and takes every key for a missing one."""

    def __init__(self, server: Server, known_hosts: KnownHosts) -> None:
        self._server = server
        self._known_hosts = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Raise ``UntrustedHostKey`` unless ``key`` is known."""
        self._known_hosts.check(self._server.address, self._server.port, key)

    def transport(self, sock: Any, **options: Any) -> paramiko.Transport:
        """Return a transport that asks for a key of a known type, and takes another to name it in the refusal."""
        transport = paramiko.Transport(sock, **options)
        security = transport.get_security_options()
        known = self._known_hosts.key_types(self._server.address, self._server.port)
        security.key_types = sorted(security.key_types, key=lambda kind: kind not in known)
        return transport


class _Keys(AuthStrategy):
    """Logs in with the first key that the server takes. paramiko's own takes a part of a login for the whole."""

    def __init__(self, username: str, login: LoginKeys) -> None:
        super().__init__(paramiko.SSHConfig())
        self._username = username
        self._login = login

    def get_sources(self) -> Iterator[AuthSource]:
        """Return each key, as paramiko calls it."""
        return (InMemoryPrivateKey(self._username, key) for key in self._login.keys)

    def authenticate(self, transport: paramiko.Transport) -> list[SourceResult]:
        """Log in, or raise ``LoginRefused``."""
        for tried, source in enumerate(self.get_sources(), 1):
            try:
                more = source.authenticate(transport)
            except paramiko.AuthenticationException as error:
                if transport.is_active():
                    continue
                raise LoginRefused(self._cut_off(tried)) from error
            if more:
                raise LoginRefused(f"takes the key and wants more ({', '.join(more)}), which is not supported")
            return []
        raise LoginRefused(
            f"refused the login of {self._username} with {self._login.source}; "
            "add its public key to authorized_keys there"
        )

    def _cut_off(self, tried: int) -> str:
        if tried == 1:
            return f"hung up on the login of {self._username} with {self._login.source}; see the log of its sshd"
        return f"hung up after {tried} keys, see MaxAuthTries of its sshd; name the key_file that it takes"
