"""What is diagnosed, and what is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from containerd.daemon.merged import Merged
from containerd.daemon.predict import Prediction
from containerd.daemon.provenance import registry_path, winner
from containerd.daemon.settings import Settings, registry_of
from containerd.daemon.trees import Node, place_of
from containerd.files import FileSet
from containerd.versions import Version


class Severity(str, Enum):
    """How bad it is: an error breaks pulls or CRI now, a warning will, a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing: its code in kebab case, where it is (`path:line`), and what to do about it. It holds no secret.

    `blocks`: a rollout refuses the node because of it, unless the operator permits it by its code.
    """

    code: str
    severity: Severity
    where: str
    message: str
    fix: str
    blocks: bool = False

    def __str__(self) -> str:
        return f"{self.severity.value} {self.code} ({self.where}): {self.message}; {self.fix}"


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
