"""A rollout on the lab whose journal cannot be written any more: the first wave finishes, and nothing else begins."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.nodes import Inventory, LabNode, rollback, rollout

Fresh = Callable[..., list[LabNode]]
NODES = ("worker-2", "worker-4", "worker-3")
SIZE = 32 * 4096


@pytest.fixture
def full(inventory: Inventory, tmp_path: Path) -> Iterator[Path]:
    """The journals' directory on a file system of its own of 128 KiB, which is to be filled; root only."""
    runs = tmp_path / "runs"
    runs.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "journals", str(runs)], check=True)
    inventory.replace("defaults.yaml", "data:\n", f"data:\n  runs: {runs}\n")
    try:
        yield runs
    finally:
        subprocess.run(["umount", str(runs)], check=True)


def fill(runs: Path, pages: int) -> None:
    """Leave ``pages`` pages: what a journal has to itself."""
    with (runs / "filler").open("wb", buffering=0) as filler:
        while filler.tell() < SIZE - pages * 4096:
            filler.write(b"x" * 4096)


def test_three_waves_of_which_the_first_fills_the_disk(fresh: Fresh, inventory: Inventory, full: Path) -> None:
    nodes = fresh(*NODES)
    before = [node.snapshot() for node in nodes]
    words = ("--group", "workers", "--limit", ",".join(NODES), *inventory.option)
    # The plan of three nodes has more than a page, the steps of one node less than another.
    fill(full, 2)
    # What is left of the second page goes when the first node's steps begin.
    ran = rollout(*words, "--num-workers", "1")
    [path] = full.glob("*/journal.jsonl")
    lines = [json.loads(line) for line in path.read_bytes().splitlines()[:-1]]
    assert ran.exit == ran.json["exit"] == 3
    assert "cannot be written: No space left on device" in ran.json["unrecorded"]
    migrated = [name for name in NODES if ran.outcomes[name] == "migrated"]
    assert migrated in ([], ["worker-2"], ["worker-2", "worker-4"]), (ran.outcomes, lines[-1])
    for name, node, first in zip(NODES, nodes, before, strict=True):
        assert node.cri == "ok"
        if name not in migrated:
            assert ran.outcomes[name] == "untouched"
            assert ran.reason(name) == ran.json["unrecorded"]
            assert node.snapshot() == first

    ran = rollback("--all", *inventory.option)

    assert [ran.outcomes[name] for name in migrated] == ["rolled_back"] * len(migrated)
    assert [node.snapshot() for node in nodes] == before
