"""The matrix as a table: what happened in each case, and how soon the node was well."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from tests.faults.cell_run import Verdict
from tests.faults.cells import KILLED

BEGIN, END = "<!-- faults -->", "<!-- /faults -->"
HEADER = (
    "| fault | struck | what came of it (exit code) | cells passed | s to healthy: median | worst |",
    "|---|---|---|---|---|---|",
)
DEATH = "controller dead"


def table(verdicts: Iterable[Verdict]) -> str:
    """Return the verdicts as a Markdown table, a row a fault, in the order of the matrix."""
    rows: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        rows.setdefault(verdict.cell.fault.name, []).append(verdict)
    every = [verdict for row in rows.values() for verdict in row]
    total = f"| all | | | {_passed(every)} | {_times(every)} |"
    return "\n".join([*HEADER, *(_row(name, row) for name, row in rows.items()), total])


def put(readme: str, text: str) -> str:
    """Return ``readme`` with ``text`` between its two marks, which it must have."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _row(name: str, verdicts: Sequence[Verdict]) -> str:
    points = ", ".join(dict.fromkeys(verdict.cell.point.name for verdict in verdicts))
    return f"| {name} | {points} | {_ends(verdicts)} | {_passed(verdicts)} | {_times(verdicts)} |"


def _ends(verdicts: Sequence[Verdict]) -> str:
    """Say what came of it, the most frequent first."""
    ended = [_end(verdict) for verdict in verdicts]
    return "; ".join(f"{end}: {ended.count(end)}" for end in sorted(set(ended), key=lambda e: (-ended.count(e), e)))


def _end(verdict: Verdict) -> str:
    code, outcome = verdict.ended
    return f"{DEATH}, {verdict.files} files" if code == KILLED else f"{outcome or 'no outcome'} ({code})"


def _passed(verdicts: Sequence[Verdict]) -> str:
    return f"{sum(verdict.passed for verdict in verdicts)}/{len(verdicts)}"


def _times(verdicts: Sequence[Verdict]) -> str:
    seconds = [verdict.seconds for verdict in verdicts]
    return f"{_shown(median(seconds))} | {_shown(max(seconds))}"


def _shown(seconds: float) -> str:
    return "never" if math.isinf(seconds) else f"{seconds:.1f}"
