"""What an undisturbed rollout makes of a node: the new files that a cell's are held against."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from lab.topology import Node
from tests.faults import trees
from tests.faults.points import CONFIRM
from tests.faults.pool import Pool
from tests.faults.scene import Scene
from tests.faults.settings import Limits, Variant
from tests.faults.trees import Tree


class Reference:
    """Rolls out once for each variant and kind of config.toml, when first asked for it."""

    def __init__(self, pool: Pool, directory: Path) -> None:
        self._pool, self._directory = pool, directory
        self._known: dict[tuple[Variant, str], tuple[str, Tree]] = {}
        self._locks: dict[tuple[Variant, str], Lock] = {}
        self._lock = Lock()

    def new_files(self, variant: Variant, node: Node) -> Tree:
        """Return the new files of ``node``, which is fresh before and fresh after."""
        key = (variant, node.config)
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            if key not in self._known:
                self._known[key] = (node.name, self._roll_out(variant, node))
        name, tree = self._known[key]
        return trees.replaced(tree, f"containerd on {name}", f"containerd on {node.name}")

    def _roll_out(self, variant: Variant, node: Node) -> Tree:
        """Migrate the node, read what it has then, and give it its first bytes back."""
        directory = self._directory / f"reference {variant.name} {node.name}"
        scene = Scene(node, variant, CONFIRM, Limits(), directory)
        ran = scene.fleet("rollout", "--all", "--yes", "--json", "--settle", "0", "--without-gate")
        assert ran.exit == 0, ran.stdout + ran.stderr
        tree = trees.live(scene.tree())
        self._pool.reset(node)
        return tree
