from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults import faults, journals
from tests.faults.cells import DEAD, MIGRATED, NOT_KNOWN, ROLLED_BACK, Cell
from tests.faults.points import RESTART
from tests.faults.rule import Evidence, complaints
from tests.faults.settings import MIDDLE
from tests.faults.trees import Entry
from tests.lab.nodes import Ran

OLD = {"config.toml": Entry(0o100644, 0, 0, b"old")}
NEW = {"config.toml": Entry(0o100644, 0, 0, b"new")}
STEPS: tuple[dict[str, Any], ...] = (
    {"event": "begin", "node": "worker-2", "step": "restart"},
    {"event": "end", "node": "worker-2", "step": "restart"},
)
CONFIRMED = (*STEPS, {"event": "node", "node": "worker-2", "outcome": "migrated"}, {"event": "finish", "exit": 0})
GOOD = Evidence(
    seconds=1.0,
    allowed=30.0,
    old=OLD,
    new=NEW,
    tree=NEW,
    cri="ok",
    container_runs=True,
    units=(),
    ran=Ran(0, "", ""),
    journal=journals.Lines(CONFIRMED, dead=True),
    outcome="migrated",
)
CUT = Cell(faults.CUT, RESTART, MIDDLE, (MIGRATED, ROLLED_BACK, NOT_KNOWN))
KILL = Cell(faults.KILL, RESTART, MIDDLE, (DEAD,))
KILLED = replace(GOOD, tree=OLD, ran=Ran(-9, "", ""), journal=journals.Lines(STEPS, dead=True), outcome="")


def test_all_is_well() -> None:
    assert complaints(CUT, GOOD) == []
    assert complaints(KILL, KILLED) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seconds": 31.0}, "well after 31.0 s"),
        ({"seconds": math.inf}, "well after inf s"),
        ({"cri": "error"}, "CRI is error"),
        ({"tree": {}}, "neither the old ones"),
        ({"tree": {"config.toml": Entry(0o100600, 0, 0, b"new")}}, "config.toml differs"),
        ({"container_runs": False}, "the container does not run"),
        ({"units": ("containerd-fleet-revert.timer",)}, "left behind: containerd-fleet-revert.timer"),
        ({"tree": {**NEW, ".containerd-fleet-1.before": Entry(0, 0, 0)}}, "left behind: .containerd-fleet-1.before"),
        ({"ran": None}, "did not come to its end"),
        ({"ran": Ran(1, "", "")}, "ended with (1, 'migrated')"),
        ({"tree": OLD}, "the files are old"),
        ({"journal": None}, "there is no journal"),
        ({"journal": journals.Lines(CONFIRMED, dead=False)}, "still locked"),
        ({"journal": journals.Lines(STEPS, dead=True)}, "the journal says exit code None"),
    ],
)
def test_each_clause_of_the_rule(change: dict[str, Any], says: str) -> None:
    assert says in "; ".join(complaints(CUT, replace(GOOD, **change)))


def test_a_reboot_ends_the_container() -> None:
    cell = replace(CUT, fault=faults.REBOOT)
    assert complaints(cell, replace(GOOD, container_runs=False)) == []


@pytest.mark.parametrize("lines", [CONFIRMED, STEPS[:1]])
def test_the_journal_of_a_killed_run_breaks_off_where_it_was_killed(lines: tuple[dict[str, Any], ...]) -> None:
    assert complaints(KILL, replace(KILLED, journal=journals.Lines(lines, dead=True)))


def test_exit_3_goes_with_any_whole_files() -> None:
    lines = (*STEPS, {"event": "node", "node": "worker-2", "outcome": "failed"}, {"event": "finish", "exit": 3})
    seen = replace(GOOD, ran=Ran(3, "", ""), outcome="failed", journal=journals.Lines(lines, dead=True))
    assert complaints(CUT, seen) == []
    assert complaints(CUT, replace(seen, tree=OLD)) == []


def test_what_finish_says_goes_with_the_files() -> None:
    said = json.dumps({"nodes": {"worker-2": {"outcome": "rolled_back"}}})
    assert complaints(KILL, replace(KILLED, finish=Ran(0, said, ""))) == []
    assert complaints(KILL, replace(KILLED, finish=Ran(0, said, ""), tree=NEW)) == [
        "finish said rolled_back, but the files are new"
    ]
    assert complaints(KILL, replace(KILLED, finish=Ran(3, said, "")))


def test_a_journal_is_read_without_the_line_that_a_death_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "20260214T031502Z-1f3a/journal.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(line) + "\n" for line in CONFIRMED) + '{"event": "fin')
    [journal] = journals.read(tmp_path)
    assert (journal.lines, journal.dead) == (CONFIRMED, True)
    assert (journal.last, journal.exit, journal.words) == ("restart:end", 0, ("migrated",))
