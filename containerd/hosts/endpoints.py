"""Every endpoint that a node asks for images, or may ask once its files take effect."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from common import mask_urls
from containerd.config import NEW, OLD, SHORT
from containerd.hosts.hosts_toml import with_scheme
from containerd.hosts.reading import IMAGES, read_hosts
from containerd.loader import as_read, lookup, plain, planted, read_toml
from containerd.model import ContainerdError, Dead, FileSet, Version, release_of
from containerd.toml import parse

WILDCARD = "*"
"""Stands for every registry that has no mirror and no directory of its own."""
_PORTS = {"http": 80, "https": 443}
_DIRECTORY = re.compile(r"(.+)_([0-9]{1,5})_")


@dataclass(frozen=True)
class Endpoint:
    """One server that is asked for the images of ``registry``.

    ``registry`` is as images are named, or ``WILDCARD``; ``url`` is without secrets; ``place`` is the file and line.
    """

    registry: str
    url: str
    host: str
    port: int
    place: str

    @property
    def path(self) -> str:
        """The file that names it."""
        return self.place.rpartition(":")[0]


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of a node. ``unreadable`` are configuration files whose own endpoints are not known."""

    named: tuple[Endpoint, ...] = ()
    unreadable: tuple[str, ...] = ()


def endpoints_of(files: FileSet, version: Version) -> Endpoints:
    """Return what hosts.toml files have this version ask, and what ``mirrors`` tables name, be they in effect or not.

    A table that does not hold today may do so after an upgrade, or once another file is gone.
    """
    named: list[Endpoint] = []
    unreadable: list[str] = []
    go_toml = release_of(version).go_toml
    for path in sorted(files.texts):
        text = files.texts[path]
        if posixpath.basename(path) == "hosts.toml":
            written = _of_hosts_toml(path, text, version)
        else:
            try:
                written = _of_config(_config(path, text, version), go_toml)
            except ContainerdError:
                unreadable.append(path)
                continue
        named += filter(None, (_endpoint(registry, url, path, text) for registry, url in written))
    return Endpoints(tuple(dict.fromkeys(named)), tuple(unreadable))


def registry_of_directory(name: str) -> str:
    """Return the registry that containerd reads a directory below config_path for."""
    if name == "_default":
        return WILDCARD
    match = _DIRECTORY.fullmatch(name)
    return f"{match[1]}:{match[2]}" if match else name


def host_and_port(url: str) -> tuple[str, int] | None:
    """Return the host, in lower case and without brackets, and the port of an endpoint; ``None`` where it has none."""
    try:
        parts = urlsplit(with_scheme(url.strip()))
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _of_hosts_toml(path: str, text: str, version: Version) -> Iterator[tuple[str, str]]:
    registry = registry_of_directory(posixpath.basename(posixpath.dirname(path)))
    for server in read_hosts(text, path, version).asked:
        if server.capabilities & IMAGES:
            yield registry, server.url


def _config(path: str, text: str, version: Version) -> Mapping[str, Any]:
    """A configuration with the daemon's own names for its settings. Raises NotToml where nobody reads it."""
    try:
        data = read_toml(text, path, version)
    except Dead:
        data = parse(text)
    return plain(as_read(planted(data, path), version))  # type: ignore[no-any-return]


def _of_config(data: Mapping[str, Any], go_toml: int) -> Iterator[tuple[str, str]]:
    for plugin in (SHORT, OLD, NEW):
        table: Any = data
        for key in plugin:
            table = table.get(key) if isinstance(table, Mapping) else None
        mirrors = lookup(table, "mirrors", go_toml) if isinstance(table, Mapping) else None
        for registry, mirror in mirrors.items() if isinstance(mirrors, Mapping) else ():
            endpoints = lookup(mirror, "endpoint", go_toml) if isinstance(mirror, Mapping) else None
            for url in endpoints if isinstance(endpoints, list) else ():
                if isinstance(url, str):
                    yield registry, url


def _endpoint(registry: str, url: str, path: str, text: str) -> Endpoint | None:
    place = host_and_port(url)
    return Endpoint(registry, mask_urls(url), *place, f"{path}:{_line(url, text)}") if place else None


def _line(url: str, text: str) -> int:
    """The line that has the URL; the first one where it is spelled with escapes."""
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if url in line and not line.lstrip().startswith("#")), 1)
