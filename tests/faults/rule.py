"""The pass rule, the same for every cell.

Within the timer's delay and 10 s more the node has a healthy CRI plugin, and files that are exactly the old ones or
exactly the new ones; the exit code and the journal say which; a container that ran there still runs, as the same
process. A reboot ends the container, and adds the boot's own time. What outlasts the run is exit code 3, and the rule
holds once it is lifted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.faults import trees
from tests.faults.cells import KILLED, Cell
from tests.faults.journals import Lines
from tests.faults.trees import Tree
from tests.lab.nodes import Ran

GRACE_SECONDS = 10
NEW_FILES = ("migrated",)
SAYS = {"migrated": "new", "rolled_back": "old"}
"""Which files are live where `finish` has settled a node."""


@dataclass(frozen=True)
class Evidence:
    """What a cell has come to, all of it seen from outside the run.

    ``seconds`` are those from the fault to a node that was well for good, ``allowed`` how many of them the rule grants.
    """

    seconds: float
    allowed: float
    old: Tree
    new: Tree
    tree: Tree
    cri: str
    container_runs: bool
    units: tuple[str, ...]
    ran: Ran | None
    journal: Lines | None
    outcome: str = ""
    finish: Ran | None = None
    second: Ran | None = None
    lifted: bool = False
    timeline: tuple[str, ...] = field(default=(), repr=False)

    @property
    def files(self) -> str:
        """Which files are live: old, new or neither."""
        live = trees.live(self.tree)
        return "old" if live == self.old else "new" if live == self.new else "neither"


def complaints(cell: Cell, seen: Evidence) -> list[str]:
    """Return every clause of the rule that does not hold, in words."""
    return [*_node(cell, seen), *_said(cell, seen), *_written(cell, seen), *_others(seen)]


def _node(cell: Cell, seen: Evidence) -> list[str]:
    live = trees.live(seen.tree)
    waiting = trees.strays(seen.tree)
    checks = [
        (seen.seconds <= seen.allowed, f"well after {seen.seconds:.1f} s, and not within {seen.allowed:.1f} s"),
        (seen.cri == "ok", f"CRI is {seen.cri}"),
        (
            seen.files != "neither",
            f"the files are neither the old ones ({trees.difference(live, seen.old)}) "
            f"nor the new ones ({trees.difference(live, seen.new)})",
        ),
        (seen.container_runs or cell.fault.boots, "the container does not run any more as the process that it was"),
        (not seen.units, f"left behind: {', '.join(seen.units)}"),
        (not waiting, f"left behind: {', '.join(waiting)}"),
    ]
    return [complaint for holds, complaint in checks if not holds]


def _said(cell: Cell, seen: Evidence) -> list[str]:
    """Hold the exit code and the outcome against what is expected, and against the files."""
    if seen.ran is None:
        return ["the controller did not come to its end"]
    code, said = seen.ran.exit, []
    if (code, seen.outcome) not in cell.ends:
        said.append(f"ended with {(code, seen.outcome)}, and right would be {cell.ends}")
    if code in (KILLED, 3):
        return said
    wanted = "new" if seen.outcome in NEW_FILES else "old"
    if seen.files != wanted:
        said.append(f"{seen.outcome} was said with exit code {code}, but the files are {seen.files}")
    return said


def _written(cell: Cell, seen: Evidence) -> list[str]:
    """Hold the journal against how the controller ended."""
    if seen.journal is None or seen.ran is None:
        return ["there is no journal"]
    journal = seen.journal
    checks = [(journal.dead, "the journal is still locked")]
    if seen.ran.exit == KILLED:
        told = bool(cell.point.state) or journal.last in ("", cell.point.at)
        checks += [
            (journal.exit is None, "the journal of a killed run has an exit code"),
            (told, f"the journal of a run that was killed at {cell.point.at} ends with {journal.last}"),
        ]
    else:
        checks += [
            (journal.exit == seen.ran.exit, f"the journal says exit code {journal.exit}"),
            (seen.outcome in journal.words, f"the journal says {journal.words}, not {seen.outcome}"),
        ]
    return [complaint for holds, complaint in checks if not holds]


def _others(seen: Evidence) -> list[str]:
    """Judge those who came later: a second controller, and whoever settled what an interrupted run had left."""
    said = []
    if seen.second and (seen.second.exit != 1 or "since" not in seen.second.stdout):
        said.append(f"the second controller was not refused: {seen.second.exit}, {seen.second.stdout}")
    if seen.finish and seen.finish.exit != 0:
        said.append(f"finish ended with {seen.finish.exit}: {seen.finish.stdout}")
    finished = outcome_in(seen.finish)
    if finished in SAYS and SAYS[finished] != seen.files:
        said.append(f"finish said {finished}, but the files are {seen.files}")
    return said


def outcome_in(ran: Ran | None) -> str:
    """Return the word for the one node of a command, nothing where it has said none."""
    try:
        nodes = json.loads(ran.stdout)["nodes"] if ran else {}
        return "".join(str(node["outcome"]) for node in nodes.values())
    except (ValueError, KeyError):
        return ""
