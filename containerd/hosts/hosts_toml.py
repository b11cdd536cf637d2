"""What a registry's hosts.toml says, and how an old mirror's endpoints are said in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common import DOCKER_NAMES
from containerd.model import Refused

_URL = re.compile(
    r"(?P<scheme>https?)://(?:(?P<userinfo>[^/\s\"'?#]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?|[A-Za-z0-9._-]+(?::[0-9]{1,5})?)(?P<path>/[A-Za-z0-9._~/%:@+-]*)?"
)
_PORT = re.compile(r"(.+):([0-9]+)")
# What an image reference may begin with (distribution's reference grammar).
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?P<port>:[0-9]+)?")
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class Tls:
    """How a server is trusted: files of authorities, and pairs of files with a certificate and its key to show it.

    What is not set is the default. A certificate that has its key in its own file is a pair of that file twice.
    """

    skip_verify: bool = False
    ca: tuple[str, ...] = ()
    client: tuple[tuple[str, str], ...] = ()

    def with_those_of(self, other: Tls) -> Tls:
        """Return both together."""
        ca, client = dict.fromkeys((*self.ca, *other.ca)), dict.fromkeys((*self.client, *other.client))
        return Tls(self.skip_verify or other.skip_verify, tuple(ca), tuple(client))


NO_TLS = Tls()


@dataclass(frozen=True)
class HostEntry:
    """One `[host."…"]` table: a server that is asked before the upstream.

    `dial_timeout`: how long it may take to connect, as Go writes a duration; None for containerd's own 30 s.
    """

    url: str
    override_path: bool = False
    tls: Tls = NO_TLS
    dial_timeout: str | None = None


@dataclass(frozen=True)
class HostsToml:
    """One hosts.toml: `server` is asked last; without one containerd asks the registry itself.

    `tls` and `override_path` are the server's.
    """

    server: str | None
    hosts: tuple[HostEntry, ...]
    tls: Tls = NO_TLS
    override_path: bool = False


HostsRenderer: TypeAlias = Callable[[HostsToml], str]


@dataclass(frozen=True)
class Endpoint:
    """An old endpoint in the new form; it has no entry when it never worked. `note` says what is different now."""

    written: str
    entry: HostEntry | None
    note: str | None = None


@dataclass(frozen=True)
class Mapped:
    """An old mirror in the new form, with what became of each of its endpoints."""

    hosts_toml: HostsToml
    endpoints: tuple[Endpoint, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know about the difference."""
        return tuple(endpoint.note for endpoint in self.endpoints if endpoint.note)


def host_dir(registry: str) -> str:
    """The directory of a registry below config_path.

    For host:port it is `host_port_`, which containerd looks up before `host:port`.
    """
    match = _PORT.fullmatch(registry)
    return f"{match[1]}_{match[2]}_" if match else registry


def is_registry(name: str) -> bool:
    """Whether images can be named by a registry of this name.

    One without a dot, a port or a capital is a folder of Docker Hub, and index.docker.io is only another spelling.
    """
    match = _REGISTRY.fullmatch(name)
    if match is None or name == DOCKER_NAMES[1]:
        return False
    return bool(match["port"]) or "." in name or "[" in name or name == "localhost" or name != name.lower()


def upstream_of(registry: str) -> str | None:
    """The server behind a registry's name; None for localhost, where containerd itself chooses http or https."""
    if registry == "docker.io":
        return "https://registry-1.docker.io"
    return None if _bare(registry) in _LOCAL else f"https://{registry}"


def host_of(url: str) -> str:
    """The host, with its port where it has one, of a URL that is written with its scheme."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


def with_scheme(endpoint: str) -> str:
    """An endpoint as containerd completes it: http for this machine, https for every other."""
    if "://" in endpoint:
        return endpoint
    scheme = "http" if is_local(endpoint.partition("/")[0]) else "https"
    return f"{scheme}://{endpoint}"


def is_local(host: str) -> bool:
    """Whether containerd takes a host for this machine, and so for one that speaks http."""
    return _bare(host) in _LOCAL


def from_endpoints(registry: str, endpoints: Sequence[str]) -> Mapped:
    """Say `mirrors."<registry>".endpoint` as a hosts.toml, with the order and the fallback that the old form had.

    Raises Refused for an endpoint that cannot be said there. The rules are those of containerd's registryEndpoints.
    """
    mapped = tuple(_endpoint(registry, endpoint) for endpoint in endpoints)
    return Mapped(_with_fallback(registry, [endpoint.entry for endpoint in mapped if endpoint.entry]), mapped)


def _with_fallback(registry: str, usable: list[HostEntry]) -> HostsToml:
    entries = tuple({entry.url: entry for entry in usable}.values())
    itself = next((entry for entry in usable if host_of(entry.url) == registry != "docker.io"), None)
    server = itself.url if itself else upstream_of(registry)
    if entries and entries[-1].url == server:
        entries = entries[:-1]
    return HostsToml(server, entries, override_path=bool(itself and itself.override_path))


def _endpoint(registry: str, endpoint: str) -> Endpoint:
    if "://" not in endpoint and "/" in endpoint:
        shown = endpoint.rpartition("@")[2]
        note = f'mirrors."{registry}": {shown} never worked (a repository path, no scheme) and is dropped'
        return Endpoint(endpoint, None, note)
    match = _URL.fullmatch(with_scheme(endpoint))
    if match is None:
        raise Refused(
            f'mirrors."{registry}" has an endpoint that is not a plain http(s) URL, so it cannot be carried into a '
            "hosts.toml: correct or remove it"
        )
    path = match["path"] or ""
    plain = path.rstrip("/") in {"", "/v2"}
    url = f"{match['scheme']}://{match['host']}" + ("" if plain else path)
    return Endpoint(endpoint, HostEntry(url, override_path=not plain), _difference(registry, url, match, path))


def _difference(registry: str, url: str, match: re.Match[str], path: str) -> str | None:
    if match["userinfo"] is not None:
        return f'mirrors."{registry}": the credentials in the URL of {url} were never used by containerd: left out'
    if path and not path.strip("/"):
        return (
            f'mirrors."{registry}": {url}/ did not work (its "/" replaced the /v2 of a registry); it works from now on'
        )
    return None


def _bare(host: str) -> str:
    match = _PORT.fullmatch(host)
    return match[1] if match else host
