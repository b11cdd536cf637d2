"""The lab's keys: one to log in with, one a node to be known by, and the upstream's. They outlive a node's reset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import host
from lab.paths import HOST_KEYS, KEY, KNOWN_HOSTS, TLS_CERTIFICATE, TLS_KEY
from lab.topology import UPSTREAMS, Node


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
    _certify()


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


def _certify() -> None:
    """Make a certificate for the names and addresses of all upstreams that is its own authority."""
    if TLS_CERTIFICATE.exists() and TLS_KEY.exists():
        return
    TLS_KEY.parent.mkdir(mode=0o700, exist_ok=True)
    names = ",".join(f"DNS:{it.server},IP:{it.address}" for it in UPSTREAMS)
    kind = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "3650"]
    subject = ["-subj", "/CN=containerd-fleet-lab", "-addext", f"subjectAltName={names}"]
    host.call(["openssl", "req", *kind, *subject, "-keyout", str(TLS_KEY), "-out", str(TLS_CERTIFICATE)])
