"""On which nodes the cells run, and with which limits: short ones, so that a timer is soon over."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import inventory, topology
from lab.topology import Node
from tests.lab.nodes import SHIPPED, Inventory


@dataclass(frozen=True)
class Variant:
    """A generation of containerd, and what a rollout does there."""

    generation: str
    strategy: str

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"{self.generation} {self.strategy}"


OLD_PATH = Variant("1.6", "config_path")
OLD_MIRRORS = Variant("1.6", "mirrors")
MIDDLE = Variant("1.7", "config_path")
NEW = Variant("2", "config_path")
VARIANTS = (OLD_PATH, OLD_MIRRORS, MIDDLE, NEW)


@dataclass(frozen=True)
class Limits:
    """The limits of a transaction in seconds, and the settle time of its wave."""

    revert_after: int = 20
    restart_within: int = 4
    verify_within: int = 3
    settle: float = 0

    def __str__(self) -> str:
        names = ("revert_after", "restart_within", "verify_within")
        return "{" + ", ".join(f"{name}: {getattr(self, name)}" for name in names) + "}"


SHORT = Limits()


def write_inventory(directory: Path, node: Node, strategy: str, username: str, data: Mapping[str, str]) -> None:
    """Write an inventory of one node, with ``data`` in its defaults."""
    shutil.copytree(SHIPPED, directory)
    caches = topology.fleet()[0]
    hosts = inventory.hosts([caches, node])
    (directory / "hosts.yaml").write_text(hosts.replace("port: 22", f"port: 22, data: {{strategy: {strategy}}}"))
    copy = Inventory(directory)
    more = "".join(f"  {key}: {value}\n" for key, value in data.items())
    copy.replace("defaults.yaml", "  lab: true\n", f"  lab: true\n{more}")
    copy.replace("defaults.yaml", "username: root", f"username: {username}")
