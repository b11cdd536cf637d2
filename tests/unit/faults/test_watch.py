from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab import machine
from lab.process import start_time
from tests.faults import trees, watch
from tests.faults.trees import Tree
from tests.faults.watch import CLOCKS_SECONDS, Sight, Watch

OLD, NEW, BETWEEN = Sight("old", "ok"), Sight("new", "ok"), Sight("new", "started on other files")


def test_the_start_of_a_process_and_the_change_of_a_file_are_on_one_clock(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    changed = (tmp_path / "config.toml").stat().st_ctime
    begun = watch.started((os.getpid(), start_time(os.getpid()) or 0))
    assert begun - CLOCKS_SECONDS < changed < time.time() + CLOCKS_SECONDS


def test_a_node_is_well_from_when_it_has_had_the_files_that_it_kept() -> None:
    seen = Watch("worker-2", dict, {}, None, [(10.0, OLD), (12.0, BETWEEN), (13.0, NEW)])
    assert seen.settled
    assert seen.healthy_after(10.0) == 3.0


def test_a_containerd_on_other_files_is_not_well() -> None:
    seen = Watch("worker-2", dict, {}, None, [(10.0, OLD), (12.0, BETWEEN)])
    assert not seen.settled
    assert seen.healthy_after(10.0) == float("inf")


def test_a_file_that_goes_while_it_is_read_does_not_make_the_node_one_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / watch.ETC).mkdir(parents=True)
    monkeypatch.setattr(machine, "root", lambda _: tmp_path)
    reads = iter([FileNotFoundError, FileNotFoundError])

    def read(top: Path) -> Tree:
        if gone := next(reads, None):
            raise gone
        return trees.read(top)

    monkeypatch.setattr(watch, "trees", SimpleNamespace(read=read, live=trees.live))
    seen = Watch("no-such-node", dict, {}, None).look()
    assert (seen.files, seen.cri) == ("old", "no containerd")
