"""Checks of an inventory that concern several entries at once. Each raises ``InventoryError``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nornir.core.inventory import Group, Host, Inventory

from common import NotAnImage, parse_reference
from fleet.errors import InventoryError
from fleet.settings import DefaultsEntry, GroupEntry, RegistryEntry, unfit_for_nodes

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def check_registries(defaults: DefaultsEntry, path: Path) -> None:
    """Refuse an empty table, a port or a container that two registries share, and a probe of another registry."""
    rows = defaults.data.registries
    if not rows:
        raise InventoryError("the table of registries is empty", str(path), None, "data.registries")
    for field in ("port", "container"):
        owner: dict[Any, str] = {}
        for name, row in rows.items():
            value = getattr(row, field)
            if value in owner:
                message = f"{field} {value} is used twice: by {owner[value]} and by {name}"
                raise InventoryError(message, str(path), None, f"data.registries.{name}.{field}")
            owner[value] = name
    for name, row in rows.items():
        if row.probe:
            _check_probe(name, row.probe, path)


def _check_probe(registry: str, image: str, path: Path) -> None:
    key = f"data.registries.{registry}.probe"
    try:
        reference = parse_reference(image)
    except NotAnImage as error:
        raise InventoryError(str(error), str(path), None, key) from None
    if reference.registry != registry:
        message = f"{reference} is an image of {reference.registry}; name one of {registry}"
        raise InventoryError(message, str(path), None, key)


def check_name(name: str, path: Path) -> None:
    """Refuse a name of a host or a group that no option could select: --limit takes names with commas between them."""
    if not _NAME.fullmatch(name):
        message = "no name for a host or a group: it begins with a letter or a digit, and has letters, digits, . _ -"
        raise InventoryError(message, str(path), name)


def check_groups(groups: Mapping[str, GroupEntry], path: Path) -> None:
    """Refuse a parent group that does not exist, and groups that contain themselves."""
    for name, entry in groups.items():
        for parent in entry.groups:
            if parent not in groups:
                raise InventoryError(f"unknown group {parent!r}", str(path), name, "groups")
        if name in _ancestors(name, groups):
            raise InventoryError("the group contains itself", str(path), name, "groups")


def _ancestors(name: str, groups: Mapping[str, GroupEntry]) -> set[str]:
    found: set[str] = set()
    waiting = list(groups[name].groups)
    while waiting:
        group = waiting.pop()
        if group not in found and group in groups:
            found.add(group)
            waiting += groups[group].groups
    return found


def check_hosts(inventory: Inventory, path: Path) -> None:
    """Refuse hosts without address or user, two names for one address, disagreeing groups, no cache host."""
    seen: dict[tuple[str, int], str] = {}
    for name, host in inventory.hosts.items():
        if not host.hostname:
            raise InventoryError("no address; give the host a hostname", str(path), name, "hostname")
        if not host.username:
            raise InventoryError("no user to log in as; defaults.yaml is the usual place", str(path), name, "username")
        address = (host.hostname, host.port or 22)
        if address in seen:
            message = f"{host.hostname} port {address[1]} is also {seen[address]}: one machine, two names"
            raise InventoryError(message, str(path), name, "hostname")
        seen[address] = name
        _check_agreement(host, path)
        if host.has_parent_group("caches") and (why := unfit_for_nodes(address_of(host))):
            raise InventoryError(f"{why}; give the cache host data.address", str(path), name, "hostname")
    if not any(host.has_parent_group("caches") for host in inventory.hosts.values()):
        raise InventoryError("no host is in the group caches: nodes would have no mirror", str(path), None, "caches")


def address_of(cache_host: Host) -> str:
    """Return the address, or name, that the nodes know a cache host by."""
    return str(cache_host.get("address") or cache_host.hostname)


def check_upstreams(inventory: Inventory, rows: Mapping[str, RegistryEntry], path: Path) -> None:
    """Refuse an upstream that is one of the caches: it would ask itself, or another cache of the table."""
    hosts = [host for host in inventory.hosts.values() if host.has_parent_group("caches")]
    names = {str(name).lower(): host.name for host in hosts for name in (address_of(host), host.hostname, host.name)}
    owner = {row.port: name for name, row in rows.items()}
    for name, row in rows.items():
        parts = urlsplit(row.upstream)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if parts.hostname in names and port in owner:
            cache = f"the cache of {owner[port]} on {names[parts.hostname]}"
            message = f"{row.upstream} is {cache}; name the server behind {name}"
            raise InventoryError(message, str(path), None, f"data.registries.{name}.upstream")


def _check_agreement(host: Host, path: Path) -> None:
    own = dict(_settings(host))
    for one, other in combinations(host.extended_groups(), 2):
        if one.has_parent_group(other) or other.has_parent_group(one):
            continue
        theirs = dict(_settings(other))
        for key, value in _settings(one):
            if key not in own and key in theirs and theirs[key] != value:
                message = f"group {one.name} says {value}, group {other.name} says {theirs[key]}; say it on the host"
                raise InventoryError(message, str(path), host.name, key)


def _settings(element: Host | Group) -> Iterator[tuple[str, Any]]:
    for key in ("hostname", "port", "username"):
        value = object.__getattribute__(element, key)
        if value is not None:
            yield key, value
    for key, value in element.data.items():
        yield f"data.{key}", getattr(value, "value", value)
