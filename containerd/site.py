"""A node's directory of hosts.toml files: what is there, and what is to be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from containerd.findings import Finding, Severity
from containerd.hosts_toml import HostsRenderer, HostsToml
from containerd.present import path_for, read_back
from containerd.releases import release_of
from containerd.statements import Path
from containerd.versions import Version


@dataclass(frozen=True)
class Site:
    """The root that config_path names, the hosts.toml files of the node, and who reads and writes them.

    `where` tells the file and line of a registry setting in effect.
    """

    root: str
    present: Mapping[str, str] = field(repr=False)
    version: Version
    render: HostsRenderer
    where: Callable[..., str]

    @property
    def reads_tls(self) -> bool:
        """Whether this containerd reads `configs.*.tls` at all: 2.x dropped it."""
        return release_of(self.version).registry_tls

    def place(self, registry: str) -> str:
        """The hosts.toml of a registry."""
        return path_for(self.root, registry, self.present)

    def own(self, path: str) -> HostsToml | None:
        """What a file says that is there and that we could have written."""
        text = self.present.get(path)
        return None if text is None else read_back(text, self.render)

    def below(self) -> dict[str, str]:
        """The files under the root."""
        root = self.root.rstrip("/") + "/"
        return {path: text for path, text in self.present.items() if path.startswith(root)}

    def loss(self, code: str, path: Path, message: str, fix: str) -> Finding:
        """A finding of a setting that has no place any more; `path` is the one below the registry's table."""
        return Finding(code, Severity.ERROR, self.where(*path), message, fix)


@dataclass(frozen=True)
class Target:
    """A hosts.toml that is to say `file`; `kept` is the text of somebody else's, which stays as it is."""

    path: str
    file: HostsToml
    kept: str | None = field(default=None, repr=False)
