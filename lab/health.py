"""Whether nodes answer: sshd by its greeting, containerd by its CRI plugins."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event

from lab import machine, state
from lab.errors import LabError
from lab.topology import Node

CRI_TYPE = "io.containerd.cri.v1"
PROBE = "containerd --version && ctr plugins ls"
_probes = BoundedSemaphore(8)


@dataclass(frozen=True)
class Status:
    """What a node is, and how it is now."""

    node: str
    generation: str
    address: str
    up: bool
    containerd: str = ""
    cri: str = ""


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
    """Wait until every node answers on SSH and its CRI is ok.

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
    daemon = _ask(node.name) if up else None
    if daemon is None:
        return Status(node.name, generation, node.address, up)
    return Status(node.name, generation, node.address, up, daemon.version, daemon.cri)


def _ask(name: str) -> Daemon | None:
    try:
        with _probes:
            done = machine.run(name, PROBE, timeout=10)
    except (LabError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    version, _, plugins = done.stdout.decode(errors="replace").partition("\n")
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
    if not _until(patience, lambda: _has_cri(node.name)):
        return f"{node.name} answers on SSH, but its containerd does not report CRI as ok"
    return None


def _has_cri(name: str) -> bool:
    daemon = _ask(name)
    return daemon is not None and daemon.cri == "ok"


def _until(patience: _Patience, holds: Callable[[], bool]) -> bool:
    """Ask at least once, then until the deadline or an interruption; return the last answer."""
    while not holds():
        if time.monotonic() > patience.deadline or patience.ended.wait(0.15):
            return False
    return True
