"""Whether machines answer: sshd by its greeting, containerd by its CRI plugins, dockerd and upstreams by a question."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event

from lab import machine, state
from lab.errors import LabError
from lab.paths import TLS_CERTIFICATE
from lab.topology import CACHE_HOST, UPSTREAMS, Node, Upstream

CRI_TYPE = "io.containerd.cri.v1"
PROBE = "containerd --version && ctr plugins ls"
DOCKER_PROBE = "docker version --format {{.Server.Version}}"
IMAGE_PROBE = "docker image inspect --format {{.Id}} registry:2"
_probes = BoundedSemaphore(8)


@dataclass(frozen=True)
class Status:
    """What a node is, and how it is now; `serves` is for those that are no nodes."""

    node: str
    generation: str
    address: str
    up: bool
    containerd: str = ""
    cri: str = ""
    serves: str = ""


@dataclass(frozen=True)
class Daemon:
    """What a node's containerd says of itself."""

    version: str
    cri: str


@dataclass(frozen=True)
class _Patience:
    """How long to wait: until the deadline, or until whoever waits was interrupted."""

    deadline: float
    ended: Event = field(default_factory=Event)


def statuses(nodes: Sequence[Node]) -> list[Status]:
    """Ask all nodes at once; those that are down, or whose containerd does not answer, say so."""
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        return list(pool.map(_status, nodes))


def wait(nodes: Sequence[Node], within: float = 60) -> None:
    """Wait until every node answers on SSH and its CRI is ok; the cache host has dockerd, the upstream its registries.

    Raises LabError with a clause for each node that does not in `within` seconds.
    """
    patience = _Patience(time.monotonic() + within)
    with ThreadPoolExecutor(max(1, len(nodes))) as pool:
        try:
            found = pool.map(lambda node: _wait_for(node, patience), nodes)
            complaints = [complaint for complaint in found if complaint]
        finally:
            patience.ended.set()
    if complaints:
        raise LabError("; ".join(complaints))


def cri_state(plugins: str) -> str:
    """Read the output of `ctr plugins ls`: `ok`, the first other status of a CRI plugin, or `missing`."""
    rows = [line.split() for line in plugins.splitlines()]
    cri = [row for row in rows if len(row) > 3 and (row[0] == CRI_TYPE or row[:2] == ["io.containerd.grpc.v1", "cri"])]
    if not any(row[1] == "cri" for row in cri):
        return "missing"
    return next((row[-1] for row in cri if row[-1] != "ok"), "ok")


def _status(node: Node) -> Status:
    generation = node.generation.name if node.generation else "-"
    up = state.is_up(node.name)
    if up and node.generation is None:
        return Status(node.name, generation, node.address, up, serves=_serves(node))
    daemon = _ask(node.name) if up else None
    if daemon is None:
        return Status(node.name, generation, node.address, up)
    return Status(node.name, generation, node.address, up, daemon.version, daemon.cri)


def _ask(name: str) -> Daemon | None:
    answer = _inside(name, PROBE)
    if not answer:
        return None
    version, _, plugins = answer.partition("\n")
    return Daemon(version.split()[2], cri_state(plugins))


def greets(address: str) -> bool:
    """Return whether an sshd answers at an address."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for(node: Node, patience: _Patience) -> str | None:
    if not _until(patience, lambda: greets(node.address)):
        return f"{node.name} does not answer on SSH at {node.address} (see {machine.log_file(node.name)})"
    if node.generation is None:
        return None if _until(patience, lambda: _is_ready(node)) else f"{node.name} answers on SSH, but serves nothing"
    if not _until(patience, lambda: _has_cri(node.name)):
        return f"{node.name} answers on SSH, but its containerd does not report CRI as ok"
    return None


def _has_cri(name: str) -> bool:
    daemon = _ask(name)
    return daemon is not None and daemon.cri == "ok"


def _is_ready(node: Node) -> bool:
    return bool(_inside(node.name, IMAGE_PROBE)) if node == CACHE_HOST else _answering() == len(UPSTREAMS)


def _serves(node: Node) -> str:
    """Return in some words what the cache host or the upstream does; '' while the cache host has no dockerd."""
    if node == CACHE_HOST:
        version = _inside(node.name, DOCKER_PROBE)
        return version and f"docker {version}"
    return f"{_answering()} of {len(UPSTREAMS)} registries"


def _inside(name: str, command: str) -> str:
    """Return what a command prints inside a machine, '' when it fails or takes too long."""
    try:
        with _probes:
            done = machine.run(name, command, timeout=10)
    except (LabError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def _answering() -> int:
    with ThreadPoolExecutor(len(UPSTREAMS)) as pool:
        return sum(pool.map(_answers, UPSTREAMS))


def _answers(upstream: Upstream) -> bool:
    """Return whether an upstream answers by TLS, with the certificate that the nodes trust."""
    trusted = ssl.create_default_context(cafile=str(TLS_CERTIFICATE))
    connection = http.client.HTTPSConnection(upstream.address, timeout=2, context=trusted)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _until(patience: _Patience, holds: Callable[[], bool]) -> bool:
    """Ask at least once, then until the deadline or an interruption; return the last answer."""
    while not holds():
        if time.monotonic() > patience.deadline or patience.ended.wait(0.15):
            return False
    return True
