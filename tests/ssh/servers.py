"""SSH servers on loopback: OpenSSH's own sshd, and what can go wrong between it and a controller."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
LOOPBACK = "127.0.0.1"
PORTS = iter(range(22100, 23000))
"""Outside the range of ports that outgoing connections take."""
CONFIG = """\
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100
"""


@dataclass(frozen=True)
class Keys:
    """The controller's key, and the one host key of all servers, below ``directory``."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> Keys:
        """Make both."""
        for name in ("key", "host_key"):
            path = str(directory / name)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return cls(directory)

    @property
    def host_key(self) -> str:
        """The public host key, as known_hosts has it."""
        return " ".join((self.directory / "host_key.pub").read_text().split()[:2])


@contextmanager
def sshd(keys: Keys, *settings: str, addresses: Sequence[str] = (LOOPBACK,)) -> Iterator[int]:
    """Run OpenSSH's sshd on ``addresses`` with more ``settings``, and return its port."""
    assert SSHD
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    listen = [f"ListenAddress {address}:{port}" for address in addresses]
    config = keys.directory / f"sshd_config-{port}"
    config.write_text("\n".join([CONFIG.format(directory=keys.directory), *listen, *settings, ""]))
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until(lambda: _greets(addresses[0], port), server)
        yield port
    finally:
        # Those of connections that are still open would outlive it.
        _kill_all([server.pid, *_descendants(server.pid)])
        server.wait()


@contextmanager
def accepting(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Give each connection to ``serve``, in a thread of its own, and return the port."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((LOOPBACK, free_port()), backlog=64))
        wires: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    wire, _ = listener.accept()
                    wires.append(wire)
                    threading.Thread(target=_quietly, args=(serve, wire), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        for wire in wires:
            wire.close()


def silent(wire: socket.socket) -> None:
    """Accept, and never write a byte."""
    while wire.recv(4096):
        pass


def dripping(wire: socket.socket) -> None:
    """Write a greeting without end, a byte a second: each single wait for a byte is short."""
    wire.sendall(b"SSH-2.0-")
    while True:
        wire.sendall(b"x")
        time.sleep(1)


def breaking_off(port: int, after: int) -> Callable[[socket.socket], None]:
    """Return a proxy to ``port`` that breaks the connection once it has passed on so many bytes of the answer."""

    def serve(wire: socket.socket) -> None:
        with socket.create_connection((LOOPBACK, port)) as server:
            threading.Thread(target=_quietly, args=(lambda _: _pass_on(wire, server), wire), daemon=True).start()
            passed = 0
            while passed < after and (data := server.recv(1024)):
                passed += len(data)
                wire.sendall(data)
        wire.close()

    return serve


def deaf(keys: Keys) -> Callable[[socket.socket], None]:
    """Return a server on which one can log in and open a channel, and that never answers a request to run anything."""
    host_key = paramiko.Ed25519Key.from_private_key_file(str(keys.directory / "host_key"))

    class Deaf(paramiko.ServerInterface):
        def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
            return paramiko.common.AUTH_SUCCESSFUL

        def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
            return "publickey"

        def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
            return paramiko.common.OPEN_SUCCEEDED

        def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:  # noqa: ARG002
            threading.Event().wait()
            return False

    def serve(wire: socket.socket) -> None:
        transport = paramiko.Transport(wire)
        transport.daemon = True
        transport.add_server_key(host_key)
        transport.start_server(server=Deaf())
        transport.join()

    return serve


def free_port() -> int:
    """Return a port that nobody listens on."""
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) != 0:
                return port
    raise AssertionError("no free port")


def until(holds: Callable[[], bool], server: subprocess.Popen[bytes]) -> None:
    """Wait until ``server`` is ready."""
    deadline = time.monotonic() + 20
    while not holds():
        assert server.poll() is None, server.stderr.read().decode() if server.stderr else ""
        assert time.monotonic() < deadline, "the server does not come up"
        time.sleep(0.05)


def _greets(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=2) as wire:
        return wire.recv(4) == b"SSH-"
    return False


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(4096):
        target.sendall(data)


def _quietly(serve: Callable[[socket.socket], None], wire: socket.socket) -> None:
    with suppress(OSError, EOFError, paramiko.SSHException):
        serve(wire)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    # One that ends meanwhile has none.
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, task.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _kill_all(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)
