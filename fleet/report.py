"""What became of every node of a selection, and the exit code that says it in one number."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, IntEnum

from common import mask_urls
from fleet.errors import UsageError


class Outcome(str, Enum):
    """The one word that each node ends with."""

    MIGRATED = "migrated"
    PROVEN = "proven"
    REGROUPED = "regrouped"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    SKIPPED = "skipped"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNTOUCHED = "untouched"


class Exit(IntEnum):
    """The exit codes."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_VERIFIED = 3
    UNREACHABLE = 4
    PENDING = 5
    INTERRUPTED = 130


@dataclass(frozen=True)
class NodeReport:
    """What became of one node.

    ``weight`` is the exit code that this node asks for; ``diff`` is masked; ``details`` are further lines for people.
    """

    outcome: Outcome
    reason: str
    weight: Exit = Exit.OK
    generation: str = ""
    version: str = ""
    strategy: str = ""
    run: str | None = None
    diff: str = ""
    details: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return it for ``--json``; what is empty is left out."""
        told = {name: getattr(self, name) for name in ("generation", "version", "strategy", "run", "diff", "details")}
        return {"outcome": self.outcome.value, "reason": self.reason} | {k: v for k, v in told.items() if v}


@dataclass(frozen=True)
class Gate:
    """What the caches' gate said to a run. ``refused`` has a line for each reason; with one nothing may start."""

    said: str
    refused: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """It for people."""
        return (f"gate: {self.said}", *(f"  {line}" for line in self.refused))


@dataclass(frozen=True)
class Report:
    """What became of every selected node; ``run`` is ``None`` where no machine was to be changed.

    ``gate`` is ``None`` where nothing was to be done that needs a cache. ``unrecorded`` says why the journal could not
    be written to its end.
    """

    run: str | None
    nodes: Mapping[str, NodeReport]
    interrupted: bool = False
    title: str = field(default="")
    gate: Gate | None = None
    unrecorded: str = ""

    @property
    def exit_code(self) -> Exit:
        """The heaviest of the nodes' weights; a gate that refused is one of 1, a journal with gaps one of 3."""
        weights = {node.weight for node in self.nodes.values()} | ({Exit.NOT_VERIFIED} if self.unrecorded else set())
        weights |= {Exit.FAILED} if self.gate and self.gate.refused else set()
        return heaviest(weights, interrupted=self.interrupted)

    def with_diffs(self, *, shown: bool) -> Report:
        """Return the report with its diffs, or without."""
        if shown:
            return self
        return replace(self, nodes={name: replace(node, diff="") for name, node in self.nodes.items()})

    def as_json(self) -> str:
        """Return the report as one JSON document."""
        nodes = {name: node.as_dict() for name, node in self.nodes.items()}
        told: dict[str, object] = {"run": self.run, "exit": int(self.exit_code), "nodes": nodes}
        told |= {"unrecorded": self.unrecorded} if self.unrecorded else {}
        return json.dumps(told | ({"gate": asdict(self.gate)} if self.gate else {}), indent=2)

    @property
    def sums(self) -> str:
        """How many nodes ended with which word, in the words' order."""
        return count(node.outcome for node in self.nodes.values())


def heaviest(weights: Collection[Exit], *, interrupted: bool) -> Exit:
    """Return the exit code: 3 wins over an interruption, that over 1, then 4, then 5."""
    if Exit.NOT_VERIFIED in weights:
        return Exit.NOT_VERIFIED
    if interrupted:
        return Exit.INTERRUPTED
    return next((code for code in (Exit.FAILED, Exit.UNREACHABLE, Exit.PENDING) if code in weights), Exit.OK)


def count(outcomes: Iterable[Outcome]) -> str:
    """Return for example ``4 migrated, 1 skipped``."""
    counted = Counter(outcomes)
    return ", ".join(f"{counted[outcome]} {outcome.value}" for outcome in Outcome if counted[outcome])


def error_json(error: UsageError) -> str:
    """Return a usage or inventory error as one JSON document."""
    return json.dumps(
        {"exit": int(Exit.USAGE), "error": error.place.as_dict() | {"message": mask_urls(error.args[0])}}, indent=2
    )
