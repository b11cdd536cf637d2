"""Where the lab keeps what: fixed places, so that every checkout finds what another one left."""

from __future__ import annotations

from pathlib import Path

PREFIX = "cflab"
"""Begins the name of each network namespace, machine and link of the lab, and is the name of its control group."""

HOME = Path("/var/lib/containerd-fleet-lab")
CACHE = Path("/var/cache/containerd-fleet-lab")
RECORD = HOME / "lab.json"
LOCK = HOME / "lock"
SSH = HOME / "ssh"
KEY = SSH / "id_ed25519"
KNOWN_HOSTS = SSH / "known_hosts"
HOST_KEYS = SSH / "hosts"
TLS_CERTIFICATE = HOME / "tls" / "upstream.crt"
TLS_KEY = HOME / "tls" / "upstream.key"
LAYERS = HOME / "layers"
LOGS = HOME / "logs"
NODES = HOME / "nodes"
NETNS = Path("/run/netns")

FILES = Path(__file__).parent / "files"
CHECKOUT = Path(__file__).resolve().parent.parent


def machine(name: str) -> str:
    """Return the name of a node's nspawn machine and of its network namespace."""
    return f"{PREFIX}-{name}"
