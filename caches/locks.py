"""The maintenance locks of runs on a cache host: while one is in force no cache that runs is stopped or replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# One that lasts longer is a mistake: the scripts on the cache host (templates/caches/caches.sh) ignore it.
LONGEST_SECONDS = 86400


@dataclass(frozen=True)
class Lock:
    """The lock of the run with the id ``run``, which is in force for so many ``seconds`` more."""

    run: str
    owner: str
    seconds: int


def in_force(now: str, files: Mapping[str, str]) -> tuple[Lock, ...]:
    """Return the locks that are in force at ``now`` (seconds since the epoch), in the order of their runs.

    ``files`` has the content of each file by its name, the run's id: until when, and whose it is. What is no lock, or
    has expired, is left out, as the scripts leave it out.
    """
    if not _is_second(now):
        return ()
    locks = (_lock(int(now), run, content) for run, content in sorted(files.items()))
    return tuple(lock for lock in locks if 0 < lock.seconds <= LONGEST_SECONDS)


def _lock(now: int, run: str, content: str) -> Lock:
    until, _, who = content.partition("\n")[0].strip().partition(" ")
    owner = " ".join(who.removeprefix(f"run {run} of ").split())
    return Lock(run, owner or "somebody", int(until) - now if _is_second(until) else 0)


def _is_second(text: str) -> bool:
    return re.fullmatch("[0-9]{1,10}", text) is not None
