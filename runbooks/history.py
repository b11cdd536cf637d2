"""The runs of an inventory, from this controller's journals and from the nodes' own records. Reads only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from fleet.inventory import Fleet
from fleet.report import Exit, heaviest
from fleet.runs import Recorded, recorded
from fleet.screen import Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.outcomes import failure
from tasks.status import Entry, transactions

TITLE = "Runs"
ELSEWHERE = "not here"
"""The journal of a run that this controller has none of."""


@dataclass(frozen=True)
class PastRun:
    """One run. ``journal`` says how its journal here stands; ``nodes`` has the state of each node.

    A node's state is that of its own record; where it has none, the outcome that the journal has.
    """

    run: str
    owner: str
    since: str
    command: str
    journal: str
    nodes: Mapping[str, str]

    @property
    def counts(self) -> str:
        """Return for example ``3 confirmed, 1 armed``."""
        counted = Counter(state or "no outcome" for state in self.nodes.values())
        return ", ".join(f"{number} {state}" for state, number in counted.items()) or "no nodes"


@dataclass(frozen=True)
class History:
    """The runs, the oldest first; ``silent`` has the nodes that gave no record, each with the reason."""

    runs: Sequence[PastRun]
    silent: Mapping[str, str]
    weights: frozenset[Exit] = frozenset()
    interrupted: bool = False

    @property
    def exit_code(self) -> Exit:
        """The heaviest of what the silent nodes weigh."""
        return heaviest(self.weights, interrupted=self.interrupted)

    def as_json(self) -> str:
        """Return it as one JSON document."""
        runs = {run.run: {key: value for key, value in asdict(run).items() if key != "run"} for run in self.runs}
        return json.dumps({"exit": int(self.exit_code), "runs": runs, "silent": dict(self.silent)}, indent=2)

    def show(self, screen: Screen) -> None:
        """Print a row for each run, its nodes below it where they are not alike, and the nodes that gave no record."""
        headings = ("run", "owner", "since", "journal", "nodes", "command")
        rows = ((run.run, run.owner, run.since, run.journal, run.counts, run.command) for run in self.runs)
        screen.rows(TITLE, headings, rows)
        for run in self.runs:
            if len(set(run.nodes.values())) > 1:
                states = ", ".join(f"{node} {state or 'no outcome'}" for node, state in run.nodes.items())
                screen.say(f"{run.run}: {states}")
        for node, why in self.silent.items():
            screen.say(f"{node}: {why}")
        screen.say("")
        screen.say(f"{len(self.runs)} runs (exit code {int(self.exit_code)})")


def history(fleet: Fleet, names: Sequence[str], screen: Screen) -> History:
    """Ask the nodes ``names`` for their transactions, and put them together with the journals of the inventory."""
    stop = Stop(screen.progress, reads=True)
    screen.progress(f"asking {len(names)} nodes")
    with nornir_for(fleet, names, [], stop) as nornir, stop.listening():
        results = nornir.run(transactions, name="history")
    entries: dict[str, Sequence[Entry]] = {}
    silent: dict[str, str] = {}
    weights: set[Exit] = set()
    for name in names:
        if name not in results:
            silent[name] = "interrupted before this node was asked"
        elif results[name].failed:
            report = failure(results[name])
            silent[name] = report.reason
            weights.add(report.weight)
        else:
            entries[name] = results[name][0].result
    runs = merged(recorded(fleet.runs, fleet.name), entries, names)
    return History(runs, silent, frozenset(weights), stop.asked)


def merged(journals: Iterable[Recorded], entries: Mapping[str, Sequence[Entry]], names: Sequence[str]) -> list[PastRun]:
    """Put the journals and the nodes' records together, the oldest run first.

    A run that changed no node of ``names`` is left out, unless it is about no nodes at all, as one of the caches.
    """
    runs: dict[str, PastRun] = {}
    for it in journals:
        nodes = {name: it.outcomes[name] for name in names if name in it.outcomes}
        if nodes or not it.outcomes:
            runs[it.run] = PastRun(it.run, it.owner, it.since, it.command, it.state, nodes)
    for name, records in entries.items():
        for record in records:
            unknown = PastRun(record.run, record.owner, record.since, "", ELSEWHERE, {})
            run = runs.get(record.run, unknown)
            runs[record.run] = replace(run, nodes={**run.nodes, name: record.state.value})
    return [runs[run] for run in sorted(runs)]
