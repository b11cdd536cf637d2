"""Every fault at every point: no single one leaves a node with a dead CRI plugin or half-written files."""

from __future__ import annotations

import pytest

from tests.faults.cells import Cell, essential, matrix
from tests.faults.conftest import Verdicts


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    everything = metafunc.config.getoption("--faults") == "all"
    cells = matrix() if everything else essential()
    metafunc.parametrize("cell", cells, ids=[cell.id for cell in cells])


@pytest.mark.timeout(1800)
def test_a_node_cannot_be_left_broken(cell: Cell, verdicts: Verdicts) -> None:
    verdict = verdicts(cell)
    if not verdict.passed:
        pytest.fail("\n".join((*verdict.complaints, verdict.report)), pytrace=False)
