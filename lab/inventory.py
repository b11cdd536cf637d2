"""The lab as an inventory: the shipped one, or one of its own when it has more nodes than that."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lab.paths import CHECKOUT
from lab.topology import Node

SHIPPED = CHECKOUT / "inventory"
GENERATED = CHECKOUT / "inventory-lab"


def hosts(nodes: Sequence[Node]) -> str:
    """Return the text of hosts.yaml for these nodes."""
    lines = ["---", "# Written by `lab up --workers`: it is overwritten."]
    for node in nodes:
        port = "port: 22, " if node.generation else ""
        lines.append(f"{node.name}: {{hostname: {node.address}, {port}groups: [{', '.join(node.groups)}]}}")
    return "\n".join(lines) + "\n"


def write(nodes: Sequence[Node]) -> Path:
    """Write an inventory of these nodes, with the shipped groups and defaults, and return its directory."""
    GENERATED.mkdir(exist_ok=True)
    for name in ("groups.yaml", "defaults.yaml"):
        shutil.copyfile(SHIPPED / name, GENERATED / name)
    (GENERATED / "hosts.yaml").write_text(hosts(nodes))
    return GENERATED
