from __future__ import annotations

from tests.faults import faults
from tests.faults.cells import ESSENTIAL, essential, matrix
from tests.faults.faults import Fault
from tests.faults.points import POINTS, SWAP_HOSTS
from tests.faults.settings import OLD_MIRRORS

EVERY = {fault for fault in vars(faults).values() if isinstance(fault, Fault)}


def test_every_cell_has_a_name_of_its_own() -> None:
    assert len({cell.id for cell in matrix()}) == len(matrix())


def test_every_fault_strikes_every_generation() -> None:
    struck = {fault: {cell.variant.generation for cell in matrix() if cell.fault == fault} for fault in EVERY}
    assert struck == {fault: {"1.6", "1.7", "2"} for fault in EVERY}


def test_the_controller_the_network_and_the_node_fail_at_every_point() -> None:
    for fault in (faults.KILL, faults.CUT, faults.FREEZE, faults.REBOOT, faults.POWER_CUT):
        assert {cell.point for cell in matrix() if cell.fault == fault} == set(POINTS)


def test_every_fault_is_essential_somewhere_and_each_essential_cell_is_one_of_the_matrix() -> None:
    assert {cell.fault for cell in essential()} == EVERY
    assert len(essential()) == sum(len(points) for points in ESSENTIAL.values())


def test_the_essential_cells_are_spread_over_the_generations() -> None:
    numbers = [sum(cell.variant.generation == name for cell in essential()) for name in ("1.6", "1.7", "2")]
    assert max(numbers) - min(numbers) <= 3
    assert any(cell.variant == OLD_MIRRORS for cell in essential())


def test_no_cell_waits_for_a_point_that_its_strategy_never_reaches() -> None:
    assert not [cell.id for cell in matrix() if cell.point is SWAP_HOSTS and cell.variant == OLD_MIRRORS]
