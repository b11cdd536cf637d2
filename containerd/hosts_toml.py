"""What a registry's hosts.toml says, and how an old mirror's endpoints are said in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from containerd.errors import Refused

_URL = re.compile(
    r"(?P<scheme>https?)://(?:(?P<userinfo>[^/\s\"'?#]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?|[A-Za-z0-9._-]+(?::[0-9]{1,5})?)(?P<path>/[A-Za-z0-9._~/%:@+-]*)?"
)
_PORT = re.compile(r"(.+):([0-9]+)")
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class HostEntry:
    """One `[host."…"]` table: a server that is asked before the upstream."""

    url: str
    override_path: bool = False


@dataclass(frozen=True)
class HostsToml:
    """One hosts.toml: `server` is asked last; without one containerd asks the registry itself."""

    server: str | None
    hosts: tuple[HostEntry, ...]


HostsRenderer: TypeAlias = Callable[[HostsToml], str]


@dataclass(frozen=True)
class Mapped:
    """An old mirror in the new form, with what the operator should know about the difference."""

    hosts_toml: HostsToml
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Endpoint:
    entry: HostEntry
    host: str
    note: str | None = None


def host_dir(registry: str) -> str:
    """The directory of a registry below config_path.

    For host:port it is `host_port_`, which containerd looks up before `host:port`.
    """
    match = _PORT.fullmatch(registry)
    return f"{match[1]}_{match[2]}_" if match else registry


def upstream_of(registry: str) -> str | None:
    """The server behind a registry's name; None for localhost, where containerd itself chooses http or https."""
    if registry == "docker.io":
        return "https://registry-1.docker.io"
    return None if _bare(registry) in _LOCAL else f"https://{registry}"


def from_endpoints(registry: str, endpoints: Sequence[str]) -> Mapped:
    """Say `mirrors."<registry>".endpoint` as a hosts.toml, with the order and the fallback that the old form had.

    Raises Refused for an endpoint that cannot be said there. The rules are those of containerd's registryEndpoints.
    """
    usable: list[_Endpoint] = []
    notes: list[str] = []
    for endpoint in endpoints:
        if "://" not in endpoint and "/" in endpoint:
            shown = endpoint.rpartition("@")[2]
            notes.append(f'mirrors."{registry}": {shown} never worked (a repository path, no scheme) and is dropped')
            continue
        usable.append(found := _endpoint(registry, endpoint))
        notes += [found.note] if found.note else []
    return Mapped(_with_fallback(registry, usable), tuple(notes))


def _with_fallback(registry: str, usable: list[_Endpoint]) -> HostsToml:
    entries = tuple({endpoint.entry.url: endpoint.entry for endpoint in usable}.values())
    itself = next((endpoint.entry for endpoint in usable if endpoint.host == registry != "docker.io"), None)
    if itself and itself.override_path:
        raise Refused(f'mirrors."{registry}": {itself.url} is the registry itself below a path: write its hosts.toml')
    server = itself.url if itself else upstream_of(registry)
    if entries and entries[-1].url == server:
        entries = entries[:-1]
    return HostsToml(server, entries)


def _endpoint(registry: str, endpoint: str) -> _Endpoint:
    scheme = "http" if _bare(endpoint) in _LOCAL else "https"
    match = _URL.fullmatch(endpoint if "://" in endpoint else f"{scheme}://{endpoint}")
    if match is None:
        raise Refused(
            f'mirrors."{registry}" has an endpoint that is not a plain http(s) URL, so it cannot be carried into a '
            "hosts.toml: correct or remove it"
        )
    path = match["path"] or ""
    plain = path.rstrip("/") in {"", "/v2"}
    url = f"{match['scheme']}://{match['host']}" + ("" if plain else path)
    return _Endpoint(HostEntry(url, override_path=not plain), match["host"], _difference(registry, url, match, path))


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
