"""The journal of a runbook that changes machines."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

from nornir.core.processor import Processor

from containerd.toml import parse
from fleet.errors import UsageError
from fleet.inventory import Fleet
from fleet.journal import Journal, JournalProcessor
from fleet.screen import ProgressProcessor, Screen
from tasks.abandon import abandon
from tasks.arm import arm
from tasks.caches.hold import release
from tasks.reach import reach
from tasks.run import Run

PROGRAMS = ("nornir", "nornir-netmiko", "netmiko", "paramiko")
# What changes nothing, or clears up, begins also where the journal cannot be written; so does all on an armed node.
ALWAYS = (reach.__name__, abandon.__name__, release.__name__)
OURS = Path(__file__).resolve().parent.parent / "pyproject.toml"


def processors(screen: Screen, journal: Journal | None) -> list[Processor]:
    """Return what follows the steps of nodes: the screen, and the journal where there is one."""
    if journal is None:
        return [ProgressProcessor(screen)]
    return [ProgressProcessor(screen), JournalProcessor(journal, always=ALWAYS, point=arm.__name__)]


@contextmanager
def recorded(run: Run, fleet: Fleet, screen: Screen, *, needed: bool = True) -> Iterator[Journal]:
    """Keep the journal of ``run`` among the runs of ``fleet``, from who began it on.

    Raises ``UsageError`` where that is not possible. Unless the journal is not ``needed``, no step begins once a line
    cannot be written.
    """
    with Journal(fleet.runs, run.id, screen.progress, needed=needed) as journal:
        journal.began(sys.argv[1:], run.owner, _versions(), fleet.name)
        run.stop.hear(journal.stopping)
        yield journal


@contextmanager
def recorded_if_possible(run: Run, fleet: Fleet, screen: Screen) -> Iterator[Journal | None]:
    """Do the same in an emergency: that no journal can be kept is a warning, and stops nothing."""
    with ExitStack() as stack:
        journal = None
        try:
            journal = stack.enter_context(recorded(run, fleet, screen, needed=False))
        except UsageError as error:
            screen.progress(f"warning: {error}")
        yield journal


def _versions() -> dict[str, str]:
    ours = str(parse(OURS.read_text(encoding="utf-8"))["project"]["version"])
    return {"containerd-fleet": ours, "python": platform.python_version()} | {name: version(name) for name in PROGRAMS}
