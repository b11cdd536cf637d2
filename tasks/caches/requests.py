"""Read which requests the caches of one cache host had. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nornir.core.task import Result, Task

from caches.requests import Request, requests
from tasks import scripts, wire
from tasks.reach import reach


@dataclass(frozen=True)
class Requests:
    """The requests in each container's log, and why there are none of those whose log cannot be read."""

    logs: Mapping[str, tuple[Request, ...]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def clock(task: Task) -> Result:
    """Return a result that holds the seconds since the epoch on the host's own clock. Raises ``Unreachable``."""
    task.run(reach)
    told = wire.decode(scripts.must(task.host, "caches_log", ""))
    return Result(host=task.host, result=int(wire.text(told, "now")))


def read_requests(
    task: Task, containers: Sequence[str], repositories: Iterable[str], since: Mapping[str, int]
) -> Result:
    """Return a result that holds the ``Requests`` of ``containers``, for ``repositories``, and marks of nodes.

    ``since`` has what ``clock`` said of each host. Raises ``Unreachable``, and ``StepFailed`` where Docker is not
    there.
    """
    words = (str(since[task.host.name]), " ".join(repositories), *containers)
    told = wire.decode(scripts.must(task.host, "caches_log", *words, timeout=60))
    logs, unread = {}, {}
    for name, text in told.items():
        kind, _, container = name.partition(":")
        if kind == "log":
            logs[container] = requests(text.decode(errors="replace"))
        else:
            unread[container] = text.decode(errors="replace").strip()
    return Result(host=task.host, result=Requests(logs, unread))
