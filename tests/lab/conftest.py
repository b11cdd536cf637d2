"""The lab for a session of tests, and what they ask of its nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import control, state
from tests.lab.nodes import Inventory, LabNode

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = state.why_not()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if "lab" in report.keywords]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} lab tests did not run: {state.why_not()}")


@pytest.fixture(scope="session")
def _lab() -> Iterator[None]:
    mine = not state.is_up()
    control.up()
    yield
    if mine:
        control.down()


@pytest.fixture
def fresh(_lab: None) -> Callable[..., list[LabNode]]:
    """Nodes with their first bytes: ``fresh("worker-2", "worker-4")``."""

    def reset(*names: str) -> list[LabNode]:
        control.reset(names)
        return [LabNode(name) for name in names]

    return reset


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the shipped inventory that a test may change."""
    return Inventory.copy(tmp_path / "inventory")
