"""Whether the address that the nodes know the cache host by stays: a static one, and not one from DHCP."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import AddressValueError, IPv4Address
from typing import Any

import yaml

from common import Finding, Severity


@dataclass(frozen=True)
class Addressing:
    """What the cache host says of its addresses: `ip -j -4 addr`, `ip -j route show default`, and its own files."""

    addresses: str
    routes: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Address:
    """How the address came to the machine now (``running``), and how it does at the next boot (``configured``).

    Each is ``static``, ``dhcp``, ``both``, or empty where it is not there or not said; ``running`` is ``unknown`` where
    the machine does not say which addresses it has, and ``not IPv4`` for any other.
    """

    address: str
    running: str
    configured: str

    @property
    def word(self) -> str:
        """How it stands, in a word or two."""
        words = {self.running, self.configured} - {""}
        if not self.running:
            return "missing"
        if "both" in words or len(words) > 1:
            return "dhcp and static"
        return "static, unconfirmed" if words == {"static"} and not self.configured else self.running


def standing(address: str, told: Addressing) -> Address:
    """Return how ``address`` stands on the machine that ``told`` so. Its other addresses do not count."""
    if not _is_ipv4(address):
        return Address(address, "not IPv4", "")
    if not _json(told.addresses):
        return Address(address, "unknown", "")
    for link in _json(told.addresses):
        for entry in link.get("addr_info", ()):
            if entry.get("local") == address:
                # A lease has `dynamic`; a static address has no such key, and lives for ever.
                leased = bool(entry.get("dynamic")) or entry.get("valid_life_time", 2**32 - 1) < 2**32 - 1
                names = {str(link.get("ifname")), *map(str, link.get("altnames", ())), str(link.get("address"))}
                words = {*_netplan(told.files, address, names), *_networkd(told.files, address, names)}
                words |= set(_ifupdown(told.files, names))
                configured = "both" if len(words) > 1 else next(iter(words), "")
                return Address(address, "dhcp" if leased else "static", configured)
    return Address(address, "", "")


def address_findings(found: Address, told: Addressing, *, allow_dhcp: bool) -> tuple[Finding, ...]:
    """Return what is wrong with an address, with the line that puts it right.

    ``allow_dhcp`` is for a lease that is reserved. It does not excuse a machine that is told both: which of the two it
    comes up with is left to chance.
    """
    if found.word in ("static", "static, unconfirmed"):
        return ()
    kind, severity, message, fix = _wrong(found, told, allow_dhcp=allow_dhcp)
    return (Finding(f"address-{kind}", severity, "ip addr", message, fix),)


def _wrong(found: Address, told: Addressing, *, allow_dhcp: bool) -> tuple[str, Severity, str, str]:
    address = found.address
    if found.word == "not IPv4":
        message = f"whether {address} stays is not known: it is no IPv4 address"
        return "unknown", Severity.NOTE, message, "see to it that it does"
    if found.word == "unknown":
        return "unknown", Severity.ERROR, "this machine does not say which addresses it has", "install iproute2 there"
    gateway = next((route["gateway"] for route in _json(told.routes) if route.get("gateway")), "GATEWAY")
    fix = f'set cloud-init\'s ipconfig0 = "ip={address}/{_prefix(address, told)},gw={gateway}"'
    if found.word == "missing":
        message = f"the nodes ask {address}, which this machine does not have: every mirror is broken"
        return "missing", Severity.ERROR, message, fix
    message = f"{address} is {found.word}: with another lease every mirror breaks"
    if found.word == "dhcp and static":
        return "dhcp", Severity.ERROR, message, f"{fix}, and DHCP nowhere"
    if allow_dhcp:
        return "dhcp", Severity.NOTE, message, "keep its reservation"
    return "dhcp", Severity.ERROR, message, f"{fix}, or say --allow-dhcp where the lease is reserved"


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except AddressValueError:
        return False
    return True


def _prefix(address: str, told: Addressing) -> int:
    entries = [entry for link in _json(told.addresses) for entry in link.get("addr_info", ())]
    return next((int(entry["prefixlen"]) for entry in entries if entry.get("local") == address), 24)


def _netplan(files: Mapping[str, str], address: str, names: Collection[str]) -> Iterator[str]:
    """What netplan makes of its files: all are one, in the order of their names; a later one wins, lists grow."""
    network: dict[str, Any] = {}
    for text in _named(files, ".yaml", ".yml"):
        try:
            parsed = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        network = _merged(network, _dict(_dict(parsed).get("network")))
    for name, link in ((name, link) for kind in network.values() for name, link in _dict(kind).items()):
        settings = _dict(link)
        match = _dict(settings.get("match"))
        own = _matches((name, settings.get("set-name"), match.get("name"), match.get("macaddress")), names)
        addresses = settings.get("addresses")
        mine = any(_plain(it) == address for it in (addresses if isinstance(addresses, list) else ()))
        if mine:
            yield "static"
        if settings.get("dhcp4") in (True, "true", "yes") and (mine or own):
            yield "dhcp"


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        there = merged.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            merged[key] = _merged(there, value)
        else:
            merged[key] = [*there, *value] if isinstance(there, list) and isinstance(value, list) else value
    return merged


def _plain(entry: object) -> str:
    """An address of netplan's without its prefix: a text, or a table with the text as its key."""
    text = next(iter(entry), "") if isinstance(entry, dict) else entry
    return str(text).partition("/")[0]


def _networkd(files: Mapping[str, str], address: str, names: Collection[str]) -> Iterator[str]:
    """What networkd does: of its files the first that matches, in the order of their names, and no other."""
    for text in _named(files, ".network"):
        addresses = re.findall(r"^[ \t]*Address[ \t]*=[ \t]*([^\s/]+)", text, re.MULTILINE)
        patterns = re.findall(r"^[ \t]*(?:Name|MACAddress)[ \t]*=[ \t]*(.+)$", text, re.MULTILINE)
        if address not in addresses and not _matches(" ".join(patterns).split(), names):
            continue
        if address in addresses:
            yield "static"
        if re.search(r"^[ \t]*DHCP[ \t]*=[ \t]*(yes|true|ipv4)[ \t]*$", text, re.MULTILINE | re.IGNORECASE):
            yield "dhcp"
        return


def _ifupdown(files: Mapping[str, str], names: Collection[str]) -> Iterator[str]:
    for path, text in files.items():
        if not path.endswith((".yaml", ".yml", ".network")):
            for name, how in re.findall(r"^[ \t]*iface[ \t]+(\S+)[ \t]+inet[ \t]+(dhcp|static)\b", text, re.MULTILINE):
                if name in names:
                    yield how


def _named(files: Mapping[str, str], *suffixes: str) -> list[str]:
    """The texts of the files with such names, in the order of the names alone: directories do not count."""
    found = [path for path in files if path.endswith(suffixes)]
    return [files[path] for path in sorted(found, key=lambda path: path.rpartition("/")[2])]


def _matches(patterns: Collection[object], names: Collection[str]) -> bool:
    return any(fnmatchcase(name.lower(), str(pattern).lower()) for pattern in patterns if pattern for name in names)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _json(text: str) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in parsed if isinstance(item, dict)] if isinstance(parsed, list) else []
