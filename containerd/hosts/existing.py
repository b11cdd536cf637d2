"""The hosts.toml files that a node has: where they lie, and which are ours to replace or somebody else's to keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common import Finding, Severity
from containerd.hosts.hosts_toml import HostEntry, HostsRenderer, HostsToml, Tls, host_dir
from containerd.model import NotToml, Version, release_of
from containerd.toml import Path, parse, split


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


def path_for(root: str, registry: str, present: Mapping[str, str]) -> str:
    """The hosts.toml that containerd reads for a registry: one that is there, in its order of lookup, or a new one."""
    new = _path(root, host_dir(registry))
    return next((path for path in (new, _path(root, registry)) if path in present), new)


def read_back(text: str, render: HostsRenderer) -> HostsToml | None:
    """Read a file that `render` could have written, byte for byte; None for every other one."""
    try:
        file = _file(parse(text))
    except (NotToml, AttributeError, KeyError, TypeError, ValueError):
        return None
    return file if render(file) == text else None


def mentions(text: str, urls: tuple[str, ...]) -> bool:
    """Whether a hosts.toml asks one of these servers."""
    try:
        data, hosts = parse(text), [path[1] for path in _host_tables(text)]
    except NotToml:
        return False
    asked = {str(url).rstrip("/") for url in (data.get("server"), *hosts)}
    return any(url.rstrip("/") in asked for url in urls)


def says_the_same(text: str, planned: str) -> bool:
    """Whether two hosts.toml files differ in nothing that containerd reads."""
    try:
        return (
            parse(text) == parse(planned)
            and list(parse(text).get("host", ())) == list(parse(planned)["host"])
            and _host_tables(text) == _host_tables(planned)
        )
    except NotToml:
        return False


def _host_tables(text: str) -> list[tuple[str, ...]]:
    """The `[host."…"]` headers: containerd 2.x skips a host that is written in any other way."""
    return [s.path for s in split(text) if s.kind == "header" and s.path[:1] == ("host",) and len(s.path) == 2]


def _file(data: Mapping[str, Any]) -> HostsToml:
    hosts = tuple(
        HostEntry(url, "override_path" in entry, _tls(entry), _string(entry.get("dial_timeout")))
        for url, entry in data["host"].items()
    )
    return HostsToml(_string(data.get("server")), hosts, _tls(data), "override_path" in data)


def _tls(table: Mapping[str, Any]) -> Tls:
    client = None
    if "client" in table:
        [(cert, key)] = table["client"]
        client = (_string(cert) or "", _string(key) or "")
    return Tls("skip_verify" in table, _string(table.get("ca")), client)


def _string(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError
    return value


def _path(root: str, directory: str) -> str:
    return f"{root.rstrip('/')}/{directory}/hosts.toml"
