"""How the transaction of every node stands. Reads only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from nornir.core.task import AggregatedResult

from fleet.inventory import Fleet
from fleet.report import Exit
from fleet.runs import newest
from fleet.screen import Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.outcomes import failure
from tasks.status import State, Status
from tasks.status import status as ask

TITLE = "Transactions"
# At a boot a node goes back before its containerd has started: that it did says nothing of CRI.
CHANGED = (State.APPLIED, State.CONFIRMED, State.ROLLED_BACK)


@dataclass(frozen=True)
class Standing:
    """How every selected node stands; ``unreachable`` has those that could not be asked."""

    nodes: Mapping[str, Status]
    unreachable: frozenset[str] = frozenset()
    interrupted: bool = field(default=False)

    @property
    def exit_code(self) -> Exit:
        """3 where a run changed a node and CRI is not ok, 5 where one is to be settled, 4 where one is unreachable."""
        if any(node.state in CHANGED and not node.healthy for node in self.nodes.values()):
            return Exit.NOT_VERIFIED
        if self.interrupted:
            return Exit.INTERRUPTED
        if any(not node.state.ended for name, node in self.nodes.items() if name not in self.unreachable):
            return Exit.PENDING
        return Exit.UNREACHABLE if self.unreachable else Exit.OK

    def as_json(self) -> str:
        """Return it as one JSON document."""
        nodes = {name: asdict(node) | {"state": node.state.value} for name, node in self.nodes.items()}
        return json.dumps({"exit": int(self.exit_code), "nodes": nodes}, indent=2)

    def show(self, screen: Screen) -> None:
        """Print it for people, with the sums and the exit code as the last line."""
        self.table(screen, TITLE)
        counted = Counter(node.state for node in self.nodes.values())
        sums = ", ".join(f"{counted[state]} {state.value}" for state in State if counted[state])
        screen.say("")
        screen.say(f"{sums} (exit code {int(self.exit_code)})")

    def table(self, screen: Screen, title: str) -> None:
        """Print it as a table: a row for each node."""
        headings = ("node", "containerd", "state", "run", "reason")
        screen.rows(title, headings, ((name, *_row(name, node)) for name, node in self.nodes.items()))


def status(fleet: Fleet, names: Sequence[str], screen: Screen) -> Standing:
    """Ask the nodes ``names``; of those that do not answer say what this controller's journals know."""
    stop = Stop(screen.progress, reads=True)
    screen.progress(f"asking {len(names)} nodes")
    with nornir_for(fleet, names, [], stop) as nornir, stop.listening():
        results = nornir.run(ask, name="status")
    unreachable = frozenset(name for name in names if name not in results or results[name].failed)
    return Standing({name: _status(fleet, name, results) for name in names}, unreachable, stop.asked)


def _status(fleet: Fleet, name: str, results: AggregatedResult) -> Status:
    if name in results and not results[name].failed:
        found: Status = results[name][0].result
        return found
    why = failure(results[name]).reason if name in results else "interrupted before this node was asked"
    word = newest(fleet.runs, name, fleet.name)
    return Status(State.UNKNOWN, "; ".join(filter(None, (why, str(word or "")))))


def _row(name: str, node: Status) -> tuple[str, str, str, str]:
    return node.version, node.state.value, node.run, " · ".join(_told(name, node))


def _told(name: str, node: Status) -> Iterator[str]:
    if node.state is State.UNKNOWN:
        yield node.cri
        return
    yield f"CRI: {node.cri}"
    if not node.state.ended:
        yield f"begun by {node.owner}, {node.since}; last step: {node.step}"
        if node.reverts_in is not None:
            yield f"rolls back automatically in {node.reverts_in} s" if node.reverts_in > 0 else "its timer is at work"
        yield f"settle it with: python main.py finish --host {name}"
