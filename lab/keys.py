"""The lab's SSH keys: one to log in with, and one a node to be known by. They outlive a node's reset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import host
from lab.paths import HOST_KEYS, KEY, KNOWN_HOSTS
from lab.topology import Node


def ensure(nodes: Iterable[Node]) -> None:
    """Make the keys that are missing, and write known_hosts for exactly these nodes."""
    HOST_KEYS.mkdir(mode=0o700, parents=True, exist_ok=True)
    _generate(KEY, "containerd-fleet-lab")
    lines = []
    for node in nodes:
        _generate(host_key(node.name), node.name)
        kind, key, _ = public(host_key(node.name)).split()
        lines.append(f"{node.address} {kind} {key}\n")
    KNOWN_HOSTS.write_text("".join(lines))


def host_key(name: str) -> Path:
    """Return the file of a node's private host key."""
    return HOST_KEYS / name


def public(key: Path) -> str:
    """Return the public half of a key, as OpenSSH writes it."""
    return key.with_name(f"{key.name}.pub").read_text()


def _generate(key: Path, comment: str) -> None:
    if key.exists() and key.with_name(f"{key.name}.pub").exists():
        return
    key.unlink(missing_ok=True)
    host.call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(key)])
