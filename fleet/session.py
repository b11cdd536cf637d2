"""Nornir, built from a checked inventory: no plugin scan, no log file, our runner."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.processor import Processor
from nornir.core.state import GlobalState

from fleet.inventory import Fleet
from fleet.runner import FleetRunner
from fleet.stop import Stop

# Threads, for what changes nothing or undoes: each waits for its node nearly all of the time.
AT_ONCE = 100
READ_SECONDS = 180.0
"""The deadline of a node that is only read: each question has one of its own, well below."""


def nornir_for(
    fleet: Fleet,
    names: Collection[str],
    processors: Processor | Sequence[Processor],
    stop: Stop,
    *,
    dry_run: bool = False,
    node_seconds: float = READ_SECONDS,
) -> Nornir:
    """Return Nornir over the hosts ``names`` of ``fleet``, in inventory order, all at once up to ``AT_ONCE``.

    ``processors`` is one, or several in the order in which they are told. A node that is not done within
    ``node_seconds`` is given up.
    """
    # Nornir and paramiko log tracebacks of what becomes one line of the report.
    for name in ("nornir", "paramiko"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    told = list(processors) if isinstance(processors, Sequence) else [processors]
    nornir = Nornir(
        inventory=fleet.inventory,
        config=Config(),
        data=GlobalState(dry_run=dry_run),
        runner=FleetRunner(min(len(names), AT_ONCE), stop, node_seconds=node_seconds),
    )
    return only(nornir.with_processors(told), names)


def only(nornir: Nornir, names: Collection[str]) -> Nornir:
    """Return ``nornir`` over the hosts ``names``."""
    return nornir.filter(filter_func=lambda host: host.name in names)
