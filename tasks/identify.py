"""Ask a node which containerd it has. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from nornir.core.task import Result, Task

from containerd.model import Generation, Version, generation_of
from tasks.reach import reach
from tasks.reading import begin


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
    version = begin(task.host).version
    return Result(host=task.host, result=Identity(version, generation_of(version)))
