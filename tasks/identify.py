"""Ask a node which containerd it has. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from containerd.model import Generation, Version, generation_of, parse_version
from tasks import scripts, wire
from tasks.errors import NodeNotReady
from tasks.reach import reach


@dataclass(frozen=True)
class Identity:
    """Which containerd a node has, be it running or not."""

    version: Version
    generation: Generation


def identify(task: Task) -> Result:
    """Return a result that holds the node's ``Identity``.

    Raises ``Unreachable``, ``NodeNotReady`` where there is no containerd, and ``VersionError`` where its version is not
    understood or not supported.
    """
    task.run(reach)
    version = version_of(ask(task.host))
    return Result(host=task.host, result=Identity(version, generation_of(version)))


def ask(host: Host) -> dict[str, bytes]:
    """Return what ``read.sh`` tells of a node. Raises ``NodeNotReady`` where containerd is not installed."""
    told = wire.decode(scripts.must(host, "read"))
    if not wire.text(told, "binary"):
        raise NodeNotReady("containerd is not installed here; install it, or take the node out of the inventory")
    return told


def version_of(told: Mapping[str, bytes]) -> Version:
    """Return the version that the node's containerd says it is. Raises ``VersionError``."""
    return parse_version(wire.message(told, "version"))
