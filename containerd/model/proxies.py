"""Which requests a daemon sends through a proxy, by the rules of Go (golang.org/x/net/http/httpproxy)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS = {"http": "80", "https": "443"}
_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Proxies:
    """What a daemon's environment says: the proxies of http and https, and what goes past them."""

    http: str = ""
    https: str = ""
    no_proxy: str = ""

    @classmethod
    def of_environment(cls, text: str) -> Proxies:
        """Read ``NAME=VALUE`` lines; the names in capitals win, and an empty value counts as none."""
        values = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
        http, https, no_proxy = (values.get(name) or values.get(name.lower()) or "" for name in _NAMES)
        return cls(http, https, no_proxy)

    def proxy_for(self, url: str) -> str:
        """Return the proxy that a request for ``url`` goes through; empty where it goes straight to its server."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", str(parts.port or _PORTS.get(parts.scheme, ""))
        except ValueError:
            return ""
        proxy = {"http": self.http, "https": self.https}.get(parts.scheme, "")
        return proxy if proxy and host and not self._is_direct(host, port) else ""

    def _is_direct(self, host: str, port: str) -> bool:
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        entries = [entry.strip().lower() for entry in self.no_proxy.split(",")]
        return "*" in entries or any(_matches(entry, host, address, port) for entry in entries if entry)


def _matches(entry: str, host: str, address: _Address | None, port: str) -> bool:
    if "/" in entry and (network := _network(entry)) is not None:
        return address is not None and address in network
    name, wanted = _split(entry)
    if wanted not in ("", port) or not name:
        return False
    if (theirs := _address(name)) is not None:
        return address is not None and theirs == address
    if address is not None:
        return False  # before Go 1.24 a suffix of an address matched as well
    suffix = name.removeprefix("*") if name.startswith("*.") else name
    return host.endswith(suffix if suffix.startswith(".") else f".{suffix}") or host == suffix


def _split(entry: str) -> tuple[str, str]:
    """Return the host and the port of an entry, as Go's net.SplitHostPort does; all of it where it has no port."""
    bracketed = re.fullmatch(r"\[([^\[\]]*)\]:(\w*)", entry)
    plain = re.fullmatch(r"([^:\[\]]*):([^:\[\]]*)", entry)
    found = bracketed or plain
    return (found[1], found[2]) if found else (entry, "")


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return _unmapped(address)


def _unmapped(address: _Address) -> _Address:
    """Go holds ::ffff:10.0.0.1 for the same address as 10.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not re.fullmatch(r"[0-9a-f.:]+/[0-9]+", text):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
