"""Which nodes the lab has: pure, from the number of additional workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.errors import LabUsageError

SUBNET = "198.18.20"
HOST_ADDRESS = f"{SUBNET}.1"
CACHE_ADDRESS = f"{SUBNET}.10"
CACHE_ENDPOINT = f"http://{CACHE_ADDRESS}:5000"
CACHES_ROOT = "trixie-caches"
"""The root file system of the cache host and of the upstream."""
MAX_WORKERS = 150


@dataclass(frozen=True)
class Upstream:
    """A registry of the lab's Internet: what images are named by, the server behind it, and where that answers."""

    registry: str
    server: str
    address: str


UPSTREAMS = (
    Upstream("docker.io", "registry-1.docker.io", f"{SUBNET}.11"),
    Upstream("ghcr.io", "ghcr.io", f"{SUBNET}.12"),
    Upstream("quay.io", "quay.io", f"{SUBNET}.13"),
    Upstream("registry.k8s.io", "registry.k8s.io", f"{SUBNET}.14"),
    Upstream("reg.kyverno.io", "reg.kyverno.io", f"{SUBNET}.15"),
)


@dataclass(frozen=True)
class Generation:
    """A line of containerd, and the Debian suite that ships it."""

    name: str
    group: str
    suite: str
    sandbox_image: str


GENERATION_1_6 = Generation("1.6", "containerd-1.6", "bookworm", "registry.k8s.io/pause:3.6")
GENERATION_1_7 = Generation("1.7", "containerd-1.7", "trixie", "registry.k8s.io/pause:3.8")
GENERATION_2 = Generation("2", "containerd-2", "forky", "registry.k8s.io/pause:3.10")


@dataclass(frozen=True)
class Node:
    """One machine of the lab; the cache host and the upstream are no nodes of the fleet, and without a generation."""

    name: str
    address: str
    role: str
    generation: Generation | None = None
    config: str = "config-v2.toml"

    @property
    def root(self) -> str:
        """The name of the root file system that it is made of."""
        return self.generation.suite if self.generation else CACHES_ROOT

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses, the one for SSH first: the upstream has one for each registry."""
        return tuple(it.address for it in UPSTREAMS) if self.role == "upstream" else (self.address,)

    @property
    def groups(self) -> tuple[str, ...]:
        """The node's groups in the inventory."""
        return (self.role,) if self.generation is None else (self.role, self.generation.group)

    @property
    def number(self) -> int:
        """The last part of the address, unique in the lab."""
        return int(self.address.rpartition(".")[2])


CACHE_HOST = Node("registry-vm", CACHE_ADDRESS, "caches")
UPSTREAM = Node("upstream", UPSTREAMS[0].address, "upstream")


def fleet(workers: int = 0) -> tuple[Node, ...]:
    """Return the whole inventory: the default nodes and `workers` more, a third of each generation.

    Raises LabUsageError when there are not that many addresses.
    """
    if not 0 <= workers <= MAX_WORKERS:
        raise LabUsageError(f"--workers takes 0 to {MAX_WORKERS}, not {workers}")
    return (
        CACHE_HOST,
        Node("k8s-master", f"{SUBNET}.20", "control-plane", GENERATION_1_6),
        _worker(1, GENERATION_1_6),
        _worker(2, GENERATION_1_7),
        _worker(3, GENERATION_1_7),
        _worker(4, GENERATION_2),
        _worker(5, GENERATION_2),
        *(_additional(number) for number in range(6, 6 + workers)),
    )


def booted(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return what the lab boots for an inventory: the upstream, which is in none, and all of `nodes`."""
    return (UPSTREAM, *nodes)


def _worker(number: int, generation: Generation, config: str = "config-v2.toml") -> Node:
    return Node(f"worker-{number}", f"{SUBNET}.{20 + number}", "workers", generation, config)


def _additional(number: int) -> Node:
    generation = (GENERATION_1_7, GENERATION_2, GENERATION_1_6)[number % 3]
    return _worker(number, generation, "config-v3.toml" if number % 6 == 1 else "config-v2.toml")
