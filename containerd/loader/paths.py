"""Where a daemon cannot listen or make a directory, as far as an address or a path alone tells it, in Go's words.

No file tells whether a name resolves, an address is the node's and a port is free: that is taken to be as it should be.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterable, Iterator

from containerd.model import FileSet

_LONGEST_PATH = 104
_ANY = {"", "0.0.0.0", "::"}  # noqa: S104
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
# Go knows these without the node's /etc/services, which may have others: they are taken to be unknown.
_SERVICES = (
    *("ftp", "ftps", "gopher", "http", "https", "imap2", "imap3", "imaps"),
    *("pop3", "pop3s", "smtp", "ssh", "telnet"),
)
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*\.?", re.ASCII)


def tcp_failure(address: str) -> str | None:
    """Why net.Listen("tcp", address) fails, None when nothing in the address makes it."""
    host, port, wrong = _split(address)
    if wrong:
        return f"listen tcp: address {address}: {wrong}"
    return _port_failure(port) or _host_failure(host)


def clash(addresses: Iterable[str]) -> str | None:
    """Why of several TCP addresses one cannot be listened on: an earlier one has its port already."""
    taken: list[tuple[str, str]] = []
    for address in addresses:
        host, port, wrong = _split(address)
        if wrong or port in {"", "0"}:
            continue
        if any(port == other and (host == at or _ANY & {host, at}) for at, other in taken):
            return f"listen tcp {address}: bind: address already in use"
        taken.append((host, port))
    return None


def joined(host: str, port: str) -> str:
    """The address of a host and a port, as Go's net.JoinHostPort writes it."""
    return f"[{host}]:{port}" if ":" in host or "%" in host else f"{host}:{port}"


def socket_failure(path: str, files: FileSet) -> str | None:
    """Why a daemon cannot make its socket at a path, None when nothing known is in the way; it makes directories."""
    if len(path.encode(errors="surrogateescape")) > _LONGEST_PATH:
        return f'"{path}": unix socket path too long (> {_LONGEST_PATH})'
    if path.endswith("/") or is_directory(path, files):
        return f"failed to create unix socket on {path}: is a directory"
    return _unmade(path, files) or blocked(posixpath.dirname(path), files)


def _unmade(path: str, files: FileSet) -> str | None:
    """A `..` leads nowhere out of a directory that is not there: what is made is the path without it."""
    names = path.split("/")
    before = ("/".join(names[:depth]) or "/" for depth, name in enumerate(names) if name == "..")
    missing = path.startswith("/") and any(not is_directory(each, files) for each in before)
    return f"listen unix {path}: bind: no such file or directory" if missing else None


def _split(address: str) -> tuple[str, str, str]:
    """Host, port, and what is wrong with the address, as Go's net.SplitHostPort says it."""
    head, colon, port = address.rpartition(":")
    if not colon:
        return "", "", "missing port in address"
    if not address.startswith("["):
        wrong = "too many colons in address" if ":" in head else ""
        wrong = wrong or ("unexpected '[' in address" if "[" in address else "")
        return head, port, wrong or ("unexpected ']' in address" if "]" in address else "")
    end = address.find("]")
    if end < 0:
        return "", "", "missing ']' in address"
    if end + 1 != len(head):
        more = address[end + 1 :]
        return "", "", "too many colons in address" if more.startswith(":") else "missing port in address"
    wrong = "unexpected '[' in address" if "[" in address[1:] else ""
    return address[1:end], port, wrong or ("unexpected ']' in address" if "]" in port else "")


def _port_failure(port: str) -> str | None:
    if not port:
        return None
    if _NUMBER.fullmatch(port):
        return None if 0 <= int(port) < 2**16 else f"listen tcp: address {port}: invalid port"
    return None if port.lower() in _SERVICES else f"listen tcp: lookup tcp/{port}: unknown port"


def _host_failure(host: str) -> str | None:
    try:
        ipaddress.ip_address(host or "::")
    except ValueError:
        resolves = _NAME.fullmatch(host) and not host.rstrip(".").endswith(".invalid")
        return None if resolves else f"listen tcp: lookup {host}: no such host"
    return None


def is_directory(path: str, files: FileSet) -> bool:
    """Whether a path is known to be a directory."""
    clean = posixpath.normpath(path)
    return clean in _DIRECTORIES or files.is_directory(clean)


def is_file(path: str, files: FileSet) -> bool:
    """Whether a path is known to be a file."""
    return path in _FILES or files.text(path) is not None


def blocked(path: str, files: FileSet) -> str | None:
    """What making a directory says where it, or one above it, is a file; None when nothing known is in the way."""
    found = next((above for above in _and_above(path) if is_file(above, files)), None)
    return f"mkdir {found}: not a directory" if found else None


def _and_above(path: str) -> Iterator[str]:
    if path.startswith("/"):
        names = posixpath.normpath(path).strip("/").split("/")
        yield from ("/" + "/".join(names[:depth]) for depth in range(1, len(names) + 1))


def _paths(text: str) -> frozenset[str]:
    return frozenset(f"/{name}" for name in text.split())


# What every node has.
_DIRECTORIES = {"/"} | _paths("""
    bin boot dev dev/shm etc etc/containerd etc/cni home lib mnt opt proc root run run/containerd sbin srv sys tmp usr
    usr/bin usr/lib usr/local usr/local/bin usr/sbin usr/share var var/cache var/lib var/lib/containerd var/log var/run
    var/tmp
""")
_FILES = _paths("dev/null dev/zero etc/fstab etc/group etc/hosts etc/passwd etc/shadow")
