"""A hosts.toml as the containerd of a node reads it, or why it ignores the whole file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from containerd.hosts.hosts_toml import NO_TLS, Tls
from containerd.loader import is_duration, is_url, knows_table, lookup, type_mismatch
from containerd.model import (
    ANY,
    BOOL,
    STRING,
    STRINGS,
    ContainerdError,
    GoType,
    HostsFile,
    MapOf,
    Release,
    Struct,
    Version,
    absolute,
    release_of,
)
from containerd.toml import NotRead, read_go_toml_1, read_go_toml_2, split

_ALL = frozenset({"pull", "resolve", "push"})
IMAGES = frozenset({"pull", "resolve"})
"""What a host needs to be asked for tags. One of the two is enough to be asked for content."""


@dataclass(frozen=True)
class Asked:
    """One server in a file: `url` as it is written, `at` as it is asked, below which are images."""

    url: str
    at: str
    capabilities: frozenset[str]

    @property
    def serves_images(self) -> bool:
        """Whether it is asked what a tag stands for, and for content: without one of the two, pulls go elsewhere."""
        return self.capabilities >= IMAGES


@dataclass(frozen=True)
class HostsReading:
    """What a file says to containerd: the servers in the order in which they are asked, its `server` last.

    `ignored` is why the whole file counts for nothing, in which case nothing else is set. `skipped` are hosts in a form
    that this version passes over, `misplaced` those that have a `server` of their own, which nobody reads. `named` are
    the files of `ca` and `client`. `upstream` is how the registry itself is trusted, where no `server` is named.
    """

    asked: tuple[Asked, ...] = ()
    ignored: str = ""
    skipped: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    upstream: Tls = NO_TLS
    empty: bool = field(default=False)

    def asks(self, at: str) -> bool:
        """Whether the images below a URL, as `asked_at` gives it, are asked for."""
        return any(server.at == at and server.serves_images for server in self.asked)

    @property
    def hides_certificates(self) -> bool:
        """Whether certificates beside the file count for nothing: they do for a file that is empty or ignored."""
        return not self.ignored and not self.empty


class _Ignored(Exception):
    """Why the whole file counts for nothing."""


def asked_at(url: str, *, override_path: bool = False) -> str:
    """Return where containerd asks below a URL of a hosts.toml: `/v2` comes behind it, where it is not there yet."""
    written = url if url.startswith("http") else f"https://{url}"
    scheme, separator, rest = written.partition("://")
    host, _, path = rest.partition("/")
    path = posixpath.normpath(f"/{path}").rstrip("/")
    if not override_path and not path.endswith("/v2"):
        path += "/v2"
    return f"{scheme}{separator}{host}/{path.lstrip('/')}"


@lru_cache(maxsize=1024)
def read_hosts(text: str, path: str, version: Version) -> HostsReading:
    """Read a file at an absolute path as a version does. Never raises: an ignored file is a reading, too."""
    if not text:
        return HostsReading(empty=True)
    try:
        return _read(text, path, version)
    except _Ignored as why:
        return HostsReading(ignored=" ".join(str(why).split()))


def _read(text: str, path: str, version: Version) -> HostsReading:
    release = release_of(version)
    support, major = release.hosts, release.go_toml
    data = _parsed(text, release)
    hosts = lookup(data, "host", major) if major > 1 else data.get("host")
    if not isinstance(hosts, Mapping) and not (hosts is None and support.server_alone):
        raise _Ignored("it has no [host] table" if hosts is None else "host is no table")
    tables = dict(hosts or {})
    for url, table in tables.items():
        if not isinstance(table, Mapping):
            raise _Ignored(f'host."{url}" is no table')
    order = _headers(text) if major > 1 else list(tables)
    each = [(url, tables[url]) for url in order if url in tables]
    server = lookup(data, "server", major)
    if type_mismatch(STRING, server, major) and server is not None:
        raise _Ignored("server is no string")
    servers = [*each, (server or "", data)]
    return HostsReading(
        tuple(_asked(url, table, support, major) for url, table in servers if _checked(url, table, support, major)),
        skipped=tuple(url for url in tables if url not in order),
        misplaced=tuple(url for url, table in each if lookup(table, "server", major) is not None),
        named=tuple(dict.fromkeys(absolute(name, path) for _, table in servers for name in _files(table, major))),
        upstream=NO_TLS if server else _tls(data, path, major),
    )


def _parsed(text: str, release: Release) -> Mapping[str, Any]:
    file = Struct("hosts.toml", {**_types(release.hosts), "server": STRING, "host": MapOf(_host(release.hosts))})
    known = None if release.toml == "go-toml 2.4" else partial(knows_table, file)
    try:
        return read_go_toml_1(text) if release.go_toml == 1 else read_go_toml_2(text, known)
    except NotRead as error:
        raise _Ignored(str(error)) from None
    except RecursionError:
        raise _Ignored("it is nested too deeply to be understood") from None


def _headers(text: str) -> list[str]:
    """The hosts that have a header: of their own, or of a table below."""
    try:
        headers = [statement.path for statement in split(text) if statement.kind == "header"]
    except ContainerdError as error:
        raise _Ignored(str(error)) from None
    return list(dict.fromkeys(path[1] for path in headers if path[0] == "host" and len(path) > 1))


def _checked(url: str, table: Mapping[str, Any], support: HostsFile, major: int) -> bool:
    """Whether a table names a server. Raises for what makes containerd refuse the whole file."""
    where = f'host."{url}": ' if url else ""
    if wrong := type_mismatch(_host(support), table, major):
        raise _Ignored(f"{where}{wrong}")
    for name in _capabilities(table, major):
        if name not in _ALL and not (name == "referrers" and support.referrers):
            raise _Ignored(f"{where}unknown capability {name}")
    timeout = lookup(table, "dial_timeout", major)
    if support.dial_timeout and timeout and not is_duration(timeout):
        raise _Ignored(f'{where}dial_timeout = "{timeout}" is no duration')
    if not all(map(_is_text, _values(lookup(table, "ca", major)))) or not _are_pairs(lookup(table, "client", major)):
        raise _Ignored(f"{where}ca or client is no file, or files")
    for value in (lookup(table, "header", major) or {}).values():
        if not all(map(_is_text, _values(value))):
            raise _Ignored(f"{where}header has something else than text")
    if url and not is_url(asked_at(url)):
        raise _Ignored(f"{where}no URL")
    return bool(url)


def _host(support: HostsFile) -> Struct:
    return Struct("host", _types(support))


def _types(support: HostsFile) -> dict[str, GoType]:
    types: dict[str, GoType] = {"capabilities": STRINGS, "skip_verify": BOOL, "header": MapOf(ANY)}
    types |= {"override_path": BOOL} if support.override_path else {}
    return types | ({"dial_timeout": STRING} if support.dial_timeout else {})


def _asked(url: str, table: Mapping[str, Any], support: HostsFile, major: int) -> Asked:
    override = support.override_path and bool(lookup(table, "override_path", major))
    capabilities = frozenset(_capabilities(table, major)) or _ALL
    return Asked(url, asked_at(url, override_path=override), capabilities)


def _capabilities(table: Mapping[str, Any], major: int) -> list[str]:
    return [name.lower() for name in lookup(table, "capabilities", major) or ()]


def _files(table: Mapping[str, Any], major: int) -> Iterator[str]:
    """The files that a table names: authorities, then certificates and keys."""
    named = [*_values(lookup(table, "ca", major))]
    for pair in _values(lookup(table, "client", major)):
        named += _values(pair)
    yield from (name for name in named if name)


def _tls(table: Mapping[str, Any], path: str, major: int) -> Tls:
    ca = tuple(absolute(name, path) for name in _values(lookup(table, "ca", major)) if name)
    pairs = [_values(pair) for pair in _values(lookup(table, "client", major))]
    client = tuple((absolute(pair[0], path), absolute(pair[-1] or pair[0], path)) for pair in pairs if any(pair[:1]))
    return Tls(bool(lookup(table, "skip_verify", major)), ca, client)


def _are_pairs(client: Any) -> bool:
    pairs = [_values(pair) for pair in _values(client)]
    return all(len(pair) < 3 and all(map(_is_text, pair)) for pair in pairs)


def _values(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
