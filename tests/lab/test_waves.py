"""What a node of a wave means to the others."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab import network, topology
from tests.lab.nodes import PROJECT, Inventory, LabNode

Fresh = Callable[..., list[LabNode]]


def test_a_node_that_is_lost_takes_no_other_back_with_it(fresh: Fresh, inventory: Inventory, tmp_path: Path) -> None:
    nodes = fresh("worker-2", "worker-3", "worker-4", "worker-5")
    inventory.replace("defaults.yaml", "data:\n", f"data:\n  runs: {tmp_path}\n")
    words = ["rollout", "--group", "workers", "--without-gate", "--yes", "--json", "--settle", "0", *inventory.hurry()]
    command = [sys.executable, str(PROJECT / "main.py"), *words]
    [lost] = [machine for machine in topology.fleet() if machine.name == "worker-5"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        while not _armed(tmp_path, "worker-5"):
            assert process.poll() is None
            time.sleep(0.01)
        network.cut(lost)
        try:
            time.sleep(25)  # by now its timer has acted, and any other that still ran
        finally:
            network.mend(lost)
        told = json.loads(process.communicate()[0])
    assert told["exit"] == 1
    assert [told["nodes"][node.name]["outcome"] for node in nodes] == [*["migrated"] * 3, "rolled_back"]
    assert [node.cri for node in nodes] == ["ok"] * 4


def _armed(runs: Path, node: str) -> bool:
    lines = [line for path in runs.glob("*/journal.jsonl") for line in path.read_text().splitlines()]
    events = [json.loads(line) for line in lines]
    return any((e["event"], e.get("node"), e.get("step")) == ("end", node, "arm") for e in events)
