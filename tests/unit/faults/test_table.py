from __future__ import annotations

import math

from tests.faults import faults
from tests.faults.cell_run import Verdict
from tests.faults.cells import DEAD, ROLLED_BACK, Cell
from tests.faults.points import ARM, PLAN, RESTART
from tests.faults.settings import MIDDLE, NEW
from tests.faults.table import BEGIN, END, put, table

VERDICTS = (
    Verdict(Cell(faults.KILL, ARM, MIDDLE, (DEAD,)), (), 20.25, (-9, ""), "old", ""),
    Verdict(Cell(faults.KILL, ARM, NEW, (DEAD,)), (), 21.25, (-9, ""), "old", ""),
    Verdict(Cell(faults.KILL, RESTART, MIDDLE, (DEAD,)), ("CRI is error",), math.inf, (-9, ""), "new", ""),
    Verdict(Cell(faults.HANGS, PLAN, NEW, (ROLLED_BACK,)), (), 5, ROLLED_BACK, "old", ""),
)


def test_a_row_a_fault_with_what_came_of_it_and_how_soon() -> None:
    assert table(VERDICTS).splitlines()[2:] == [
        "| controller killed (SIGKILL) | arm, restart | controller dead, old files: 2; controller dead, new files: 1 "
        "| 2/3 | 21.2 | never |",
        "| containerd hangs in its start | plan | rolled_back (1): 1 | 1/1 | 5.0 | 5.0 |",
        "| all | | | 3/4 | 20.8 | never |",
    ]


def test_it_goes_between_its_marks() -> None:
    assert put(f"a\n{BEGIN}\nold\n{END}\nb\n", "new") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
