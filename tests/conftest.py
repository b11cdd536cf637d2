"""Tests that need the lab, and the options of the fault matrix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import control, state

HERE = Path(__file__).parent
ON_NODES = (HERE / "lab", HERE / "faults")
MATRIX = HERE / "faults" / "test_matrix.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    faults = parser.getgroup("faults", "the fault matrix")
    faults.addoption("--faults", choices=("essential", "all"), default="essential", help="which cells of it run")
    faults.addoption("--faults-nodes", default="", metavar="NODE,…", help="on these nodes of the lab only")
    faults.addoption("--faults-workers", type=int, default=12, help="how many nodes the lab has for it (12)")
    faults.addoption("--faults-table", default="", metavar="FILE", help="write the table there, or between its marks")


@pytest.fixture(scope="session")
def _lab() -> Iterator[None]:
    """The one lab of a session: the one that is up, or one that is taken down again at its end."""
    if state.is_up():
        yield
        return
    control.up()
    yield
    control.down()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The first cell starts all of them, on nodes of their own, and they are at work while the other tests run.
    cells = [item for item in items if item.path == MATRIX]
    items[:] = [*cells[:1], *(item for item in items if item.path != MATRIX), *cells[1:]]
    reason = state.why_not()
    for item in items:
        if any(directory in item.path.parents for directory in ON_NODES):
            item.add_marker(pytest.mark.lab)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if "lab" in report.keywords]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} lab tests did not run: {state.why_not()}")
