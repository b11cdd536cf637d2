"""The journal of a runbook that changes machines."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

from nornir.core.processor import Processor

from containerd.statements import parse
from fleet.errors import UsageError
from fleet.journal import Journal, JournalProcessor
from fleet.screen import ProgressProcessor, Screen
from tasks.run import Run

PROGRAMS = ("nornir", "nornir-netmiko", "netmiko", "paramiko")
OURS = Path(__file__).resolve().parent.parent / "pyproject.toml"


def processors(screen: Screen, journal: Journal | None) -> list[Processor]:
    """Return what follows the steps of nodes: the screen, and the journal where there is one."""
    return [ProgressProcessor(screen), *([JournalProcessor(journal)] if journal else [])]


@contextmanager
def recorded(run: Run, runs: Path, screen: Screen) -> Iterator[Journal]:
    """Keep the journal of ``run`` below ``runs``, from who began it on.

    Raises ``UsageError`` where that is not possible.
    """
    with Journal(runs, run.id, screen.progress) as journal:
        journal.began(sys.argv[1:], run.owner, _versions())
        run.stop.hear(journal.stopping)
        yield journal


@contextmanager
def recorded_if_possible(run: Run, runs: Path, screen: Screen) -> Iterator[Journal | None]:
    """Do the same in an emergency: that no journal can be kept is said, and keeps nothing from being done."""
    with ExitStack() as stack:
        journal = None
        try:
            journal = stack.enter_context(recorded(run, runs, screen))
        except UsageError as error:
            screen.progress(f"warning: {error}")
        yield journal


def _versions() -> dict[str, str]:
    ours = str(parse(OURS.read_text(encoding="utf-8"))["project"]["version"])
    return {"containerd-fleet": ours, "python": platform.python_version()} | {name: version(name) for name in PROGRAMS}
