"""Which run a rollback would undo on each node, for the operator to see before the question. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from threading import Timer

from nornir.core.inventory import Host, Hosts
from nornir.core.task import AggregatedResult

from fleet.inventory import Fleet
from fleet.runner import FleetRunner
from fleet.screen import Screen
from fleet.session import AT_ONCE, nornir_for
from fleet.stop import Stop
from runbooks.outcomes import failure
from tasks.status import State, Status, rollback_target

TITLE = "To roll back"
ASK_SECONDS = 10.0
"""How long all nodes together are asked; one whose turn came last may take as long again."""


@dataclass(frozen=True)
class Targets:
    """What the nodes ``names`` said; a node without a result was not asked in time."""

    names: Sequence[str]
    results: AggregatedResult
    interrupted: bool

    def show(self, screen: Screen) -> None:
        """Print it as a table: a row for each node, whether it answered or not."""
        headings = ("node", "run", "since", "owner", "state", "reason")
        with screen.beforehand():
            screen.rows(TITLE, headings, ((name, *self._row(name)) for name in self.names))
            screen.say("")

    def _row(self, name: str) -> Iterator[str]:
        result = self.results.get(name)
        if result is None or result.failed:
            why = "not asked in time" if result is None else failure(result).reason
            yield from ("?", "", "", State.UNKNOWN.value, f"{why}; it is tried all the same")
            return
        found: Status = result[0].result
        nothing = "" if found.run else "nothing to roll back: no such transaction on this node"
        yield from (found.run, found.since, found.owner, found.state.value, nothing)


def targets(fleet: Fleet, names: Sequence[str], run_id: str, screen: Screen) -> Targets:
    """Ask the nodes ``names`` which transaction a rollback of ``run_id``, or ``current``, would undo."""
    screen.progress(f"asking {len(names)} nodes what there is to roll back")
    stop, signals = Stop(screen.progress), list[bool]()
    stop.hear(signals.append)
    # On connections of their own: those of nodes that are given up here are dead, and the rollback needs live ones.
    hosts = Hosts({name: _apart(fleet.inventory.hosts[name]) for name in names})
    asked = replace(fleet, inventory=copy(fleet.inventory))
    asked.inventory.hosts = hosts
    timer = Timer(ASK_SECONDS, stop.ask)
    timer.daemon = True
    with nornir_for(asked, names, [], stop) as nornir, stop.listening():
        timer.start()
        runner = FleetRunner(AT_ONCE, stop, node_seconds=ASK_SECONDS)
        results = nornir.with_runner(runner).run(partial(rollback_target, run_id=run_id), name="rollback target")
        timer.cancel()
    return Targets(names, results, bool(signals))


def _apart(host: Host) -> Host:
    twin = copy(host)
    twin.connections = {}
    return twin
