"""The keys of the inventory, as models: what may stand in hosts.yaml, groups.yaml and defaults.yaml."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from common import DOCKER_NAMES
from containerd.hosts import is_registry
from containerd.loader import seconds_of
from containerd.model import Strategy
from fleet.cache_settings import CachesSettings, Container, RowSettings
from fleet.model import HOST, Strict

PortNumber = Annotated[int, Field(ge=1, le=65535, strict=True)]
Text = Annotated[str, Field(min_length=1)]
_HUB = "https://registry-1.docker.io"
_HUB_NAMES = (*DOCKER_NAMES, "hub.docker.com", "www.docker.com", "docker.com")
ROUND_TRIPS_SECONDS = 10
"""What the steps of a transaction may take beside the restart and the verification."""


def _upstream(url: str) -> str:
    parts = urlsplit(url)
    # urlsplit passes over the ends of lines.
    if (
        parts.scheme not in ("http", "https")
        or re.search(r"\s", url)
        or not HOST.fullmatch(parts.hostname or "")
        or parts.query
        or parts.fragment
    ):
        raise ValueError("must be a URL such as https://ghcr.io")
    if parts.username or parts.password:
        raise ValueError("must not hold credentials")
    if not re.fullmatch(r"[\w.:/~-]*", parts.path) or (parts.netloc.endswith(":") or parts.port == 0):
        raise ValueError("must be a URL such as https://ghcr.io")
    if parts.path.strip("/"):
        raise ValueError("must be a server without a path: a cache of registry 2 leaves out the last part of it")
    if parts.hostname in _HUB_NAMES:
        raise ValueError(f"{parts.hostname} is no registry's server: Docker Hub's is {_HUB}")
    return url.rstrip("/")


def _registry(name: str) -> str:
    host, colon, port = name.partition(":")
    if not HOST.fullmatch(host) or (colon and not _is_port(port)):
        raise ValueError("must be what images are named by, such as ghcr.io or registry.lan:5000")
    if name in (DOCKER_NAMES[1], "registry-1.docker.io"):
        raise ValueError("must be docker.io: that is what images of Docker Hub are named by")
    if name != name.lower():
        raise ValueError(f"must be in lower case, as images are named: {name.lower()}")
    if not is_registry(name):
        raise ValueError("names no image: without a dot or a port it is a folder of Docker Hub, as in library/busybox")
    return name


def _address(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        if not HOST.fullmatch(address):
            raise ValueError("must be an address or a name, without scheme or port; ports are in the table") from None
        if re.fullmatch(r"[0-9]+(\.[0-9]+)*", address):
            raise ValueError("is no IPv4 address: that has four numbers up to 255") from None
        return address
    if found.is_unspecified or found.is_multicast:
        raise ValueError("is no address of one machine")
    return address


def _cache_address(address: str) -> str:
    if why := unfit_for_nodes(address):
        raise ValueError(why)
    return address


def unfit_for_nodes(address: str) -> str:
    """Return why nodes cannot be given ``address`` as that of a cache host, empty where they can."""
    if "%" in address:
        return "must be one address for every node: what follows % is an interface of one machine"
    return ""


def _jump(value: str) -> str:
    user, at, address = value.rpartition("@")
    host, colon, port = address.partition(":")
    if not (user and at and HOST.fullmatch(host)) or (colon and not _is_port(port)):
        raise ValueError("must be user@bastion or user@bastion:port")
    return value


def _user(name: str) -> str:
    if re.search(r"[\s\x00-\x1f\x7f]", name):
        raise ValueError("must be the name of a user, without blanks")
    return name


def _path(path: str) -> str:
    if "$" in path:
        raise ValueError("variables are not expanded here; write ~ for your home directory, or the whole path")
    try:
        Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"there is no user {path[1:].partition('/')[0]} on this controller") from None
    return path


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535


def _inventory_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
        raise ValueError("must begin with a letter or digit, and have up to 63 letters, digits, dots, _ and -")
    return name


def _dial_timeout(value: str) -> str:
    seconds = seconds_of(value)
    if seconds is None or not 0.1 <= seconds <= 30:
        raise ValueError("must be a duration from 100ms to 30s, such as 5s; 30s is what containerd takes by itself")
    return value


User = Annotated[Text, AfterValidator(_user)]
LocalPath = Annotated[Text, AfterValidator(_path)]
"""A path on the controller."""


class Extras(Strict):
    """How SSH logs in. ``~`` is the controller's home. Host keys are strict whatever stands here."""

    key_file: LocalPath | None = None
    known_hosts: LocalPath | None = None
    use_agent: bool | None = None
    jump: Annotated[str, AfterValidator(_jump)] | None = None


class NetmikoOptions(Strict):
    """The ``netmiko`` connection's options."""

    platform: Literal["linux"] | None = None
    extras: Extras = Extras()


class ConnectionOptions(Strict):
    """Connection options by connection plugin: ``netmiko`` is the one there is."""

    netmiko: NetmikoOptions = NetmikoOptions()


class RegistryEntry(RowSettings):
    """One row of the table of registries: the cache's upstream, its port on the cache hosts, its container.

    ``probe`` is a small image of that registry, which ``verify`` pulls.
    """

    upstream: Annotated[str, AfterValidator(_upstream)]
    port: PortNumber
    container: Container
    probe: Text | None = None


class TransactionSettings(Strict):
    """How long a transaction may take on a node, in seconds, and how many of the older ones a node keeps.

    ``revert_after`` is the delay of the revert timer, from arming on. It has to leave room for the restart, for both
    verifications and for the settle time between them; ``needed`` says how much.
    """

    revert_after: Annotated[int, Field(ge=5, le=3600, strict=True)] = 120
    restart_within: Annotated[int, Field(ge=2, le=600, strict=True)] = 45
    verify_within: Annotated[int, Field(ge=2, le=600, strict=True)] = 20
    keep_runs: Annotated[int, Field(ge=1, le=1000, strict=True)] = 10
    keep_days: Annotated[int, Field(ge=1, le=3650, strict=True)] = 90

    def needed(self, settle_seconds: float) -> float:
        """Return the shortest ``revert_after`` in which a healthy node is sure to be confirmed."""
        return self.restart_within + 2 * self.verify_within + settle_seconds + ROUND_TRIPS_SECONDS

    def too_short(self, settle_seconds: float) -> str:
        """Return that ``revert_after`` is too short and what it has to be, empty where it is long enough."""
        needed = self.needed(settle_seconds)
        if self.revert_after >= needed:
            return ""
        return (
            f"{self.revert_after} s are too short: restart_within, twice verify_within, {settle_seconds:g} s to settle "
            f"and the steps between them may take {needed:g} s; raise it to at least that"
        )


class Data(Strict):
    """Settings of a host or a group."""

    strategy: Strategy | None = None
    address: Annotated[str, AfterValidator(_address), AfterValidator(_cache_address)] | None = None


class DefaultsData(Data):
    """Settings of the whole inventory. Journals belong to the inventory with its ``name``."""

    name: Annotated[str, AfterValidator(_inventory_name)] | None = None
    registries: dict[Annotated[str, AfterValidator(_registry)], RegistryEntry] = Field(default_factory=dict)
    caches: CachesSettings = CachesSettings()
    transaction: TransactionSettings = TransactionSettings()
    dial_timeout: Annotated[Text, AfterValidator(_dial_timeout)] = "5s"
    runs: LocalPath | None = None
    lab: bool = False


class _Element(Strict):
    hostname: Annotated[str, AfterValidator(_address)] | None = None
    port: PortNumber | None = None
    username: User | None = None
    platform: Literal["linux"] | None = None
    connection_options: ConnectionOptions = ConnectionOptions()


class GroupEntry(_Element):
    """One group of groups.yaml."""

    groups: list[Text] = Field(default_factory=list)
    data: Data = Data()


class HostEntry(GroupEntry):
    """One host of hosts.yaml."""


class DefaultsEntry(_Element):
    """defaults.yaml."""

    data: DefaultsData = DefaultsData()
