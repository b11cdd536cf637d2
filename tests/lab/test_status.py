"""`status`, `audit` and `history` on real nodes: which containerd is asked, and what another controller knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import machine
from tests.lab.nodes import Inventory, LabNode, canary, fleet

Fresh = Callable[..., list[LabNode]]
OLD, NEW = "worker-1", "worker-4"


@pytest.fixture
def controllers(_lab: None, tmp_path: Path) -> tuple[Inventory, Inventory]:
    """Two controllers of one fleet: the same inventory, with a directory of runs each."""
    found = []
    for number in ("one", "two"):
        made = Inventory.copy(tmp_path / number)
        made.replace("groups.yaml", "strategy: skip", "strategy: config_path")
        made.replace("defaults.yaml", "data:\n", "data:\n  name: fleet\n  runs: runs\n")
        found.append(made)
    return found[0], found[1]


@pytest.fixture
def changed(fresh: Fresh, controllers: tuple[Inventory, Inventory]) -> LabNode:
    """A node that the first controller has changed."""
    [node] = fresh(OLD)
    ran = canary(OLD, *controllers[0].option)
    assert ran.exit == 0, ran.stdout + ran.stderr
    return node


def test_the_second_controller_lists_the_run_of_the_first(
    controllers: tuple[Inventory, Inventory], changed: LabNode
) -> None:
    run = changed.transactions()[-1]
    for controller, journal in zip(controllers, ("finished", "not here"), strict=True):
        ran = fleet("history", "--limit", OLD, "--json", *controller.option)
        assert ran.exit == 0, ran.stderr
        known = ran.json["runs"][run]
        assert (known["journal"], known["nodes"]) == (journal, {OLD: "confirmed"})
        assert known["owner"]


def test_a_node_with_a_newer_containerd_on_disk_is_healthy(
    controllers: tuple[Inventory, Inventory], changed: LabNode
) -> None:
    program = machine.run(NEW, "cat /usr/bin/containerd").stdout
    changed.sh("cp -a /usr/bin/containerd /usr/bin/containerd.old")
    try:
        changed.feed("cat >/usr/bin/containerd.new && chmod 755 /usr/bin/containerd.new", program)
        changed.sh("mv /usr/bin/containerd.new /usr/bin/containerd")
        ran = fleet("status", "--limit", OLD, "--json", *controllers[1].option)
        node = ran.json["nodes"][OLD]
        assert (ran.exit, node["cri"], node["version"][:3]) == (0, "ok", "1.6")
        audited = fleet("audit", "--limit", OLD, "--json", *controllers[1].option).json["nodes"][OLD]
        assert audited["cri"]["now"]["state"] == "ok"
        codes = {finding["code"] for finding in audited["findings"]}
        assert "version-change" in codes
        assert "cri-not-ok" not in codes
    finally:
        changed.sh("mv /usr/bin/containerd.old /usr/bin/containerd")
