"""Keep the upkeep away from the caches of one host while nodes change."""

from __future__ import annotations

import math

from nornir.core.task import Result, Task

from fleet.remote import remote_of
from tasks import scripts

# It waits for a restart or a deploy that has begun; a collection takes longer and is not waited for.
HOLD_SECONDS = 240.0


def hold(task: Task, seconds: float, run: str, who: str) -> Result:
    """Hold collections and restarts for the run with the id ``run``, for ``seconds`` from now.

    ``who`` is what the upkeep says while it skips; other runs have holds of their own. Raises ``Unreachable``,
    ``ConnectionLost``, and ``StepFailed`` where one is at work and does not come to its end.
    """
    remote_of(task.host).reconnect()
    scripts.must(task.host, "caches_hold", str(math.ceil(seconds)), run, who, timeout=HOLD_SECONDS)
    return Result(host=task.host, changed=True)


def release(task: Task, run: str) -> Result:
    """End the hold of the run with the id ``run``; those of others stay. Raises as ``hold`` does."""
    remote_of(task.host).reconnect()
    scripts.must(task.host, "caches_release", run)
    return Result(host=task.host, changed=True)
