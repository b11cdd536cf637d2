"""The hosts.toml files that a node has: where they lie, and which are ours to replace or somebody else's to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from common import Finding, Severity
from containerd.hosts.certificates import Directories, directories_of
from containerd.hosts.hosts_toml import HostEntry, HostsRenderer, HostsToml, Tls, host_dir
from containerd.hosts.reading import HostsReading, asked_at, read_hosts
from containerd.model import FileSet, NotToml, Version, release_of
from containerd.toml import Path, parse


@dataclass(frozen=True)
class Site:
    """The root that config_path names, the hosts.toml files of the node, and who reads and writes them.

    `root` is to be effective, `roots` are read today. `where` tells the file and line of a registry setting in effect.
    """

    root: str
    files: FileSet = field(repr=False)
    version: Version
    render: HostsRenderer
    where: Callable[..., str]
    roots: tuple[str, ...] = ()

    @cached_property
    def present(self) -> Mapping[str, str]:
        """The hosts.toml files of the node."""
        return {path: text for path, text in self.files.texts.items() if path.endswith("/hosts.toml")}

    @cached_property
    def directories(self) -> Directories:
        """The directories that are there for registries."""
        return directories_of(self.files, self.version)

    @property
    def reads_tls(self) -> bool:
        """Whether this containerd reads `configs.*.tls` at all: 2.x dropped it."""
        return release_of(self.version).registry_tls

    def place(self, registry: str) -> str:
        """The hosts.toml that containerd reads for a registry: in the directory that it has, or in a new one."""
        own = self.directories.first(self.root, registry)
        return f"{own or _directory(self.root, host_dir(registry))}/hosts.toml"

    def own(self, path: str) -> HostsToml | None:
        """What a file says that is there and that we could have written."""
        text = self.present.get(path)
        return None if text is None else read_back(text, self.render)

    def reading(self, path: str, text: str) -> HostsReading:
        """What a file says to the containerd of this node."""
        return read_hosts(text, path, self.version)

    def asks(self, path: str, text: str, entries: Iterable[HostEntry]) -> bool:
        """Whether a file has this containerd ask one of these servers for images."""
        reading = self.reading(path, text)
        return any(reading.asks(asked_at(entry.url, override_path=entry.override_path)) for entry in entries)

    def says_the_same(self, path: str, planned: str) -> bool:
        """Whether the file at a path says to this containerd what a planned one would."""
        text = self.present.get(path)
        if text is None:
            return False
        one, other = self.reading(path, text), self.reading(path, planned)
        try:
            return not one.ignored and one.asked == other.asked and parse(text) == parse(planned)
        except NotToml:
            return False

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


def read_back(text: str, render: HostsRenderer) -> HostsToml | None:
    """Read a file that `render` could have written, byte for byte; None for every other one."""
    try:
        file = _file(parse(text))
    except (NotToml, AttributeError, KeyError, TypeError, ValueError):
        return None
    return file if render(file) == text else None


def _file(data: Mapping[str, Any]) -> HostsToml:
    hosts = tuple(
        HostEntry(url, "override_path" in entry, _tls(entry), _string(entry.get("dial_timeout")))
        for url, entry in data["host"].items()
    )
    return HostsToml(_string(data.get("server")), hosts, _tls(data), "override_path" in data)


def _tls(table: Mapping[str, Any]) -> Tls:
    ca = table.get("ca", [])
    authorities = [ca] if isinstance(ca, str) else ca
    pairs = ((_string(cert) or "", _string(key) or "") for cert, key in table.get("client", ()))
    return Tls("skip_verify" in table, tuple(_string(name) or "" for name in authorities), tuple(pairs))


def _string(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError
    return value


def _directory(root: str, name: str) -> str:
    return f"{root.rstrip('/')}/{name}"
