"""What is diagnosed: files, and what a daemon makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common import Finding
from containerd.loader import Merged, Node, Prediction, Settings, place_of, registry_of, registry_path, winner
from containerd.model import FileSet, Version


@dataclass(frozen=True)
class Subject:
    """Files, merged as a version does it, and what the daemon does with them."""

    files: FileSet
    version: Version
    merged: Merged
    prediction: Prediction

    @property
    def registry(self) -> Settings:
        """The registry settings that hold."""
        return registry_of(self.merged, self.version)

    def where(self, *path: str) -> str:
        """The file and line that win for a path of the merged tree."""
        node = self.merged.node(*path)
        return f"{self.files.main}:1" if node is None else str(winner(node, self.files))

    def registry_at(self, *below: str) -> str:
        """The file and line that win for a path below the registry's table."""
        return self.where(*registry_path(self.merged, self.version), *below)

    def written(self, node: Node) -> str:
        """The file and line where a node was written."""
        return str(place_of(node, self.files))


Check = Callable[[Subject], Iterator[Finding]]
