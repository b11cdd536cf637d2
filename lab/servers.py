"""The two machines that are no nodes: the host of the caches, and the upstream, which is their Internet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import image, images
from lab.images import Image
from lab.paths import FILES, TLS_CERTIFICATE, TLS_KEY
from lab.topology import UPSTREAM, UPSTREAMS, Node, Upstream

MEBIBYTE = 2**20
UNITS = "etc/systemd/system"


@dataclass(frozen=True)
class _Services:
    """Which units a machine starts of its own, and which of those that Debian's packages start it does not."""

    enabled: tuple[str, ...]
    masked: tuple[str, ...]


# The package docker-registry starts a registry on port 5000.
CACHE_HOST_SERVICES = _Services(("registry-image.service",), ("docker-registry.service",))
UPSTREAM_SERVICES = _Services(
    ("upstream-dns.service", *(f"upstream@{it.server}.service" for it in UPSTREAMS)),
    ("docker-registry.service", "docker.service", "docker.socket", "containerd.service", "cron.service"),
)


def write_own_files(node: Node, upper: Path) -> None:
    """Add to the overlay of the cache host or of the upstream what makes it that."""
    for file in sorted((FILES / node.name).rglob("*")):
        if file.is_file():
            image.write(upper, str(file.relative_to(FILES / node.name)), file.read_text())
    if node == UPSTREAM:
        _link(upper, UPSTREAM_SERVICES)
        _write_upstream(upper)
    else:
        _link(upper, CACHE_HOST_SERVICES)
        # What a container resolves names with: it does not see the host's /etc/hosts.
        image.write(upper, "etc/resolv.conf", f"nameserver {UPSTREAM.address}\n")


def stock(upstream: Upstream) -> Iterator[Image]:
    """Yield the images that an upstream has from the start: a tiny one, and one of some size at ghcr.io.

    What is in an image names it, so that a pull from the wrong upstream is noticed.
    """
    repository = {"docker.io": "library/tiny", "registry.k8s.io": "tiny"}.get(upstream.registry, "lab/tiny")
    yield Image(repository, "1", f"{upstream.registry}/{repository}:1")
    if upstream.registry == "ghcr.io":
        yield Image("lab/big", "1", "ghcr.io/lab/big:1", ballast=8 * MEBIBYTE)


def _write_upstream(upper: Path) -> None:
    image.write(upper, "etc/upstream/tls.crt", TLS_CERTIFICATE.read_text())
    image.write(upper, "etc/upstream/tls.key", TLS_KEY.read_text(), mode=0o600)
    for upstream in UPSTREAMS:
        for each in stock(upstream):
            for name, data in images.files(each).items():
                file = upper / "srv" / upstream.server / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)


def _link(upper: Path, services: _Services) -> None:
    wanted = upper / UNITS / "multi-user.target.wants"
    wanted.mkdir()
    for unit in services.enabled:
        name, at, _ = unit.partition("@")
        (wanted / unit).symlink_to(f"../{name}@.service" if at else f"../{unit}")
    for unit in services.masked:
        (upper / UNITS / unit).symlink_to("/dev/null")
