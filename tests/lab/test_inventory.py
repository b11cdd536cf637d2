"""Is the inventory true? Every node says which containerd it has."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.lab.nodes import SHIPPED, Inventory, LabNode, fleet

Fresh = Callable[..., list[LabNode]]
ALL = ("k8s-master", "worker-1", "worker-2", "worker-3", "worker-4", "worker-5")


def test_check_connects_nowhere_and_counts(inventory: Inventory) -> None:
    ran = fleet("inventory", "check", "--json", *inventory.option)
    groups = {"containerd-1.6": 2, "containerd-1.7": 2, "containerd-2": 2}
    assert json.loads(ran.stdout) == {"exit": 0, "nodes": 6, "groups": groups}


def test_an_inventory_that_is_true(fresh: Fresh) -> None:
    fresh(*ALL)
    ran = fleet("inventory", "discover", "--json")
    assert (ran.exit, ran.outcomes) == (0, dict.fromkeys(ALL, "unchanged"))


def test_what_is_filed_wrongly_is_shown_and_then_written_with_every_comment_kept(
    fresh: Fresh, inventory: Inventory
) -> None:
    fresh(*ALL)
    inventory.replace(
        "hosts.yaml",
        "198.18.20.24, port: 22, groups: [workers, containerd-2]",
        "198.18.20.24, port: 22, groups: [workers, containerd-1.6]",
    )
    inventory.replace(
        "hosts.yaml",
        "198.18.20.22, port: 22, groups: [workers, containerd-1.7]",
        "198.18.20.22, port: 22, groups: [workers]",
    )
    wrong = (inventory.directory / "hosts.yaml").read_text()

    shown = fleet("inventory", "discover", "--json", *inventory.option)
    assert shown.exit == 5
    assert shown.outcomes == dict.fromkeys(ALL, "unchanged") | {"worker-2": "planned", "worker-4": "planned"}
    assert (inventory.directory / "hosts.yaml").read_text() == wrong

    written = fleet("inventory", "discover", "--write", "--json", *inventory.option)
    assert (written.exit, written.outcomes["worker-4"]) == (0, "regrouped")
    assert (inventory.directory / "hosts.yaml").read_text() == (SHIPPED / "hosts.yaml").read_text()
    assert fleet("inventory", "discover", "--json", *inventory.option).exit == 0
