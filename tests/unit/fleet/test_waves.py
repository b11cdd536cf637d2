"""In which order nodes change."""

from __future__ import annotations

import pytest

from containerd.model import Generation, Strategy
from fleet.inventory import Node
from fleet.waves import waves

OLD, MID, NEW = Generation.V1_6, Generation.V1_7, Generation.V2


def node(name: str, generation: Generation) -> Node:
    role = "control-plane" if name.startswith("m") else "workers"
    return Node(name, generation, Strategy.CONFIG_PATH, frozenset({role}))


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([], [], id="nothing to change"),
        pytest.param([("w1", MID)], [("w1",)], id="one node is its own canary"),
        pytest.param(
            [("w1", MID), ("w2", MID), ("w3", NEW), ("w4", NEW), ("w5", MID)],
            [("w1",), ("w3",), ("w2", "w4", "w5")],
            id="a canary of each generation, then the rest in inventory order",
        ),
        pytest.param(
            [(f"w{number}", MID) for number in range(9)],
            [("w0",), ("w1", "w2", "w3"), ("w4", "w5", "w6"), ("w7", "w8")],
            id="the rest in waves of as many as change at once",
        ),
        pytest.param(
            [("m1", MID), ("m2", MID), ("w1", MID), ("w2", MID)],
            [("w1",), ("w2",), ("m1",), ("m2",)],
            id="workers first, control-plane nodes last and one by one",
        ),
        pytest.param(
            [("m1", OLD), ("m2", OLD), ("w1", NEW)],
            [("w1",), ("m1",), ("m2",)],
            id="a control-plane node is the canary where the generation has no worker",
        ),
    ],
)
def test_waves(nodes: list[tuple[str, Generation]], expected: list[tuple[str, ...]]) -> None:
    assert [wave.nodes for wave in waves((node(*each) for each in nodes), 3)] == expected
