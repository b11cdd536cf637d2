"""In which order the nodes of a fleet change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet.inventory import Node


@dataclass(frozen=True)
class Wave:
    """Nodes that change together, at once."""

    label: str
    nodes: tuple[str, ...]
    canary: bool = False


def waves(nodes: Iterable[Node], at_once: int) -> tuple[Wave, ...]:
    """Order nodes that are to change, given in inventory order.

    First one canary per generation, one after another, a worker where there is one; then all other workers,
    ``at_once`` in a wave, since a wave's timers run until it is confirmed; then the other control-plane nodes one by
    one.
    """
    ordered = sorted(nodes, key=lambda node: node.control_plane)
    canaries = _first_of_each_generation(ordered)
    rest = [node for node in ordered if node not in canaries]
    workers = [node.name for node in rest if not node.control_plane]
    cut = [tuple(workers[start : start + at_once]) for start in range(0, len(workers), at_once)]
    return (
        *(Wave(f"canary of containerd-{node.generation.value}", (node.name,), canary=True) for node in canaries),
        *(Wave(f"wave {number} of {len(cut)}", names) for number, names in enumerate(cut, start=1)),
        *(Wave("control-plane", (node.name,)) for node in rest if node.control_plane),
    )


def _first_of_each_generation(nodes: Sequence[Node]) -> list[Node]:
    firsts: dict[str, Node] = {}
    for node in nodes:
        firsts.setdefault(node.generation.value, node)
    return list(firsts.values())
