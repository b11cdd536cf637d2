"""When each cache is looked after, so that no two are at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIRST_MINUTE = 5


@dataclass(frozen=True)
class Upkeep:
    """What is done regularly: a garbage collection each week, a restart every so many hours; ``None`` for never."""

    gc_day: str | None = "sun"
    gc_hour: int = 1
    gc_apart: int = 30
    restart_hours: int | None = 1


class Script(str, Enum):
    """What is called: by cron, and the first two by hand as well."""

    GC = "cache-gc"
    RESTART = "cache-restart"
    GUARD = "cache-guard"


@dataclass(frozen=True)
class Job:
    """One line of the cron file: when (five fields), and what."""

    when: str
    script: Script
    container: str = ""


def jobs(containers: Sequence[str], upkeep: Upkeep) -> tuple[Job, ...]:
    """Return the lines for these containers, in order: collections through the night, restarts minute by minute."""
    collections = [Job(_at(number, upkeep), Script.GC, name) for number, name in enumerate(containers)]
    hours = {1: "*", 24: "0"}.get(upkeep.restart_hours or 1, f"*/{upkeep.restart_hours}")
    restarts = [
        Job(f"{(FIRST_MINUTE + number) % 60} {hours} * * *", Script.RESTART, name)
        for number, name in enumerate(containers)
    ]
    return (
        *(collections if upkeep.gc_day else ()),
        *(restarts if upkeep.restart_hours else ()),
        Job("* * * * *", Script.GUARD),
    )


def _at(number: int, upkeep: Upkeep) -> str:
    minutes = upkeep.gc_hour * 60 + number * upkeep.gc_apart
    day = (DAYS.index(upkeep.gc_day or DAYS[0]) + minutes // 1440) % 7
    return f"{minutes % 60} {minutes // 60 % 24} * * {day}"
