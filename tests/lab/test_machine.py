"""What tests do to a node of the lab: take its power, and its network."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab import cgroups, control, health, machine, network
from lab.topology import Node
from tests.lab.nodes import LabNode

Fresh = Callable[..., list[LabNode]]


def lab_node(name: str) -> Node:
    [node] = control.select(control.nodes(), [name])
    return node


def test_a_node_boots_on_its_own_files_after_a_power_cut(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    node.write("/root/kept", "yes")
    before = cgroups.leader("worker-3")
    machine.power_cut("worker-3")
    while cgroups.leader("worker-3") in (None, before):
        time.sleep(0.05)
    health.wait([lab_node("worker-3")])
    assert node.read("/root/kept") == "yes"
    assert (machine.root("worker-3") / "root/kept").read_text() == "yes"


def test_a_node_that_was_unplugged_answers_once_it_is_plugged_in_again(fresh: Fresh) -> None:
    fresh("worker-3")
    node = lab_node("worker-3")
    network.cut(node)
    try:
        assert not health.greets(node.address)
    finally:
        network.mend(node)
    health.wait([node])
