"""A rollout on the lab whose journal cannot be written any more: what is armed finishes, and nothing else begins."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fleet.runs import read
from tests.lab.nodes import PROJECT, Inventory, LabNode, Ran, rollback

Fresh = Callable[..., list[LabNode]]
NODES = ("worker-2", "worker-4", "worker-3")


@pytest.fixture
def runs(inventory: Inventory, tmp_path: Path) -> Iterator[Path]:
    """The journals' directory, on a file system of its own of 128 KiB."""
    runs = tmp_path / "runs"
    runs.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "journals", str(runs)], check=True)
    inventory.replace("defaults.yaml", "data:\n", f"data:\n  runs: {runs}\n")
    try:
        yield runs
    finally:
        subprocess.run(["umount", str(runs)], check=True)


def fill(path: Path, size: int) -> None:
    """Append to a file until its file system is full: line feeds hide nothing in a journal."""
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\n" * size)


def rollout_that_fills_the_disk(runs: Path, node: str, step: str, *words: str) -> Ran:
    """Run a rollout of three waves, and leave no byte once ``step`` has begun on ``node``."""
    command = [sys.executable, str(PROJECT / "main.py"), "rollout", "--group", "workers", "--limit", ",".join(NODES)]
    command += ["--yes", "--json", "--settle", "3", "--num-workers", "1", "--without-gate", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        while process.poll() is None:
            journals = list(runs.glob("*/journal.jsonl"))
            if any((it.get("node"), it.get("step")) == (node, step) for path in journals for it in read(path)):
                fill(runs / "filler", 4096)
                fill(journals[0], 1)
                break
            time.sleep(0.01)
        stdout, stderr = process.communicate(timeout=120)
    return Ran(process.returncode, stdout, stderr)


@pytest.mark.parametrize(("node", "changed"), [("worker-2", 1), ("worker-4", 2)])
def test_the_wave_that_fills_the_disk_is_the_last(
    fresh: Fresh, inventory: Inventory, runs: Path, node: str, changed: int
) -> None:
    nodes = fresh(*NODES)
    before = [it.snapshot() for it in nodes]

    ran = rollout_that_fills_the_disk(runs, node, "arm", *inventory.option)

    assert ran.exit == ran.json["exit"] == 3, ran.stdout + ran.stderr
    why = ran.json["unrecorded"]
    assert why.endswith("journal.jsonl cannot be written: No space left on device")
    assert f"{why}; nothing new starts, and nodes in work finish" in ran.stderr
    outcomes = ["migrated"] * changed + ["untouched"] * (3 - changed)
    assert [ran.outcomes[name] for name in NODES] == outcomes
    assert [it.cri for it in nodes] == ["ok"] * 3
    assert [it.snapshot() != first for it, first in zip(nodes, before, strict=True)] == [
        outcome == "migrated" for outcome in outcomes
    ]
    for name in NODES[changed:]:
        assert ran.reason(name) == why

    ran = rollback("--all", *inventory.option)

    assert {ran.outcomes[name] for name in NODES} <= {"rolled_back", "unchanged"}, ran.stdout + ran.stderr
    assert "No space left on device" in ran.stderr
    assert [it.snapshot() for it in nodes] == before
