"""An sshd to log in at with other keys, agents and known_hosts than the usual ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nornir.core.inventory import ConnectionOptions, Host

from fleet.connection import CONNECTION
from fleet.errors import Unreachable
from fleet.remote import ShellScript
from fleet.ssh import SshRemote
from tests.ssh import servers
from tests.ssh.conftest import USER
from tests.ssh.servers import LOOPBACK, Keys

SCRIPT = ShellScript("script", "echo works")
AUTHORISED = ("key", "rsa", "locked", "pem-locked")


def make(directory: Path, name: str, kind: str = "ed25519", passphrase: str = "", *options: str) -> Path:
    """Make a key, and return its file."""
    path = directory / name
    words = ("-q", "-t", kind, "-N", passphrase, "-C", name, "-f", str(path), *options)
    subprocess.run(["ssh-keygen", *words], check=True)
    return path


def public(path: Path) -> str:
    """Return the type and the key of the public half beside ``path``."""
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


class Door:
    """An sshd with two host keys, which takes the keys of ``AUTHORISED``, and those that ``ca`` signs."""

    def __init__(self, keys: Keys, port: int) -> None:
        self.directory = keys.directory
        self.port = port
        self.name = f"[{LOOPBACK}]:{port}"
        self.ed25519, self.rsa = public(keys.directory / "host_key"), public(keys.directory / "host_rsa")

    def known_hosts(self, directory: Path, *lines: str) -> str:
        """Write known_hosts, with ``NAME`` and keys filled in, and return its path."""
        path = directory / "known_hosts"
        words = {"NAME": self.name, "ED25519": self.ed25519, "RSA": self.rsa, "OTHER": public(self.directory / "ca")}
        text = "".join(f"{line}\n" for line in lines)
        path.write_text(re.sub("|".join(words), lambda word: words[word[0]], text))
        return str(path)

    def knock(self, **extras: Any) -> str:
        """Log in and run a script, and return what it prints. Raises ``Unreachable``."""
        known_hosts = {"known_hosts": str(self.directory / "known_hosts")}
        options = {CONNECTION: ConnectionOptions(platform="linux", extras=known_hosts | extras)}
        host = Host("node", hostname=LOOPBACK, port=self.port, username=USER, connection_options=options)
        remote = SshRemote(host)
        remote.connect()
        host.username = "root"
        try:
            return remote.run(SCRIPT).stdout.decode()
        finally:
            host.close_connections()

    def refusal(self, **extras: Any) -> str:
        """Return the one line that says why there is no login."""
        with pytest.raises(Unreachable) as refused:
            self.knock(**extras)
        assert "\n" not in str(refused.value)
        return str(refused.value)


@contextmanager
def agent(*keys: Path) -> Iterator[str]:
    """Run an ssh-agent with these keys, and return its socket: its path is short, as those of sockets have to be."""
    directory = Path(tempfile.mkdtemp(prefix="agent-"))
    path = directory / "socket"
    server = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        servers.until(path.exists, server)
        for key in keys:
            environment = os.environ | {"SSH_AUTH_SOCK": str(path)}
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)
        yield str(path)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory)


@contextmanager
def open_door(directory: Path) -> Iterator[Door]:
    """Run a ``Door`` with its keys in ``directory``."""
    keys = Keys.make(directory)
    make(directory, "host_rsa", "rsa")
    for name, kind, passphrase, *options in (
        ("rsa", "rsa", ""),
        ("locked", "ed25519", "secret"),
        ("pem-locked", "rsa", "secret", "-m", "PEM"),
        ("stranger", "ed25519", ""),
        ("stranger-2", "ed25519", ""),
        ("signed", "ed25519", ""),
        ("ca", "ed25519", ""),
    ):
        make(directory, name, kind, passphrase, *options)
    sign = ["ssh-keygen", "-q", "-s", "ca", "-I", "controller", "-n", USER, "signed.pub"]
    subprocess.run(sign, cwd=directory, check=True, capture_output=True)
    authorised = "".join(f"{public(directory / name)}\n" for name in AUTHORISED)
    (directory / "authorised").write_text(authorised)
    (directory / "key.pub").write_text(authorised)
    for name in ("locked", "pem-locked"):  # what an owner who knows the passphrase gives to the agent
        shutil.copy2(directory / name, directory / f"un{name}")
        words = ("-q", "-p", "-P", "secret", "-N", "", "-f", str(directory / f"un{name}"))
        subprocess.run(["ssh-keygen", *words], check=True, capture_output=True)
    settings = (f"HostKey {directory}/host_rsa", f"TrustedUserCAKeys {directory}/ca.pub", "MaxAuthTries 2")
    with servers.sshd(keys, *settings) as port:
        opened = Door(keys, port)
        opened.known_hosts(directory, "NAME ED25519")
        yield opened
