"""The maintenance locks of one cache host: nothing there is stopped or replaced while nodes change."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nornir.core.task import Result, Task

from caches.locks import in_force
from fleet.ssh import remote_of
from tasks import scripts, wire

# It waits for a restart or a deploy that has begun; a collection takes longer and is not waited for.
HOLD_SECONDS = 240.0


def hold(task: Task, seconds: float, run: str, who: str) -> Result:
    """Lock the caches for the run with the id ``run``, for ``seconds`` from now: what runs is not stopped or replaced.

    ``who`` is whom a refusal names; other runs have locks of their own. Raises ``Unreachable``,
    ``ConnectionLost``, and ``StepFailed`` where one is at work and does not come to its end.
    """
    remote_of(task.host).reconnect()
    scripts.must(task.host, "caches_hold", str(math.ceil(seconds)), run, who, timeout=HOLD_SECONDS)
    return Result(host=task.host, changed=True)


def release(task: Task, runs: Sequence[str]) -> Result:
    """Remove the maintenance locks of the runs with the ids ``runs``; those of others stay. Raises as ``hold`` does."""
    remote_of(task.host).reconnect()
    scripts.must(task.host, "caches_release", *runs)
    return Result(host=task.host, changed=True)


def locks(task: Task) -> Result:
    """Read the maintenance locks that are in force; the result is a tuple of ``Lock``. Raises as ``hold`` does."""
    values = wire.decode(scripts.must(task.host, "caches_locks"))
    files = {name.removeprefix("lock:"): wire.text(values, name) for name in values if name.startswith("lock:")}
    return Result(host=task.host, result=in_force(wire.text(values, "now"), files))
