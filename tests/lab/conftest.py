"""The lab for a session of tests, and what they ask of its nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import control, state
from tests.lab.nodes import Inventory, LabNode


@pytest.fixture(scope="session")
def _lab() -> Iterator[None]:
    if state.is_up():
        yield
        return
    control.up()
    yield
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
