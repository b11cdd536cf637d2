"""Caches that `caches deploy` made, and a node of each generation that a rollout took to them: 1.6 by mirrors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lab import control
from tests.lab.caches import CacheHost
from tests.lab.nodes import MIRROR, REGISTRIES, Inventory, LabNode, Ran, fleet, rollout

NODES = ("worker-1", "worker-2", "worker-4")
CERTS = "/etc/containerd/certs.d"
TINY = {
    "docker.io": "docker.io/library/tiny:1",
    "ghcr.io": "ghcr.io/lab/tiny:1",
    "quay.io": "quay.io/lab/tiny:1",
    "registry.k8s.io": "registry.k8s.io/tiny:1",
    "reg.kyverno.io": "reg.kyverno.io/lab/tiny:1",
}
CONTAINERS = {
    "docker.io": "registry",
    "ghcr.io": "registry-ghcr",
    "quay.io": "registry-quay",
    "registry.k8s.io": "registry-k8s",
    "reg.kyverno.io": "registry-kyverno",
}
PROVEN = {registry: ("proven", f"through {container} on registry-vm") for registry, container in CONTAINERS.items()}
LEFT = "ls -d /run/containerd-fleet* /run/crictl* 2>/dev/null; ctr namespaces ls -q; ctr -n k8s.io images ls -q; true"
SSHD = "/etc/ssh/sshd_config.d/90-forwarding.conf"


@dataclass(frozen=True)
class Scene:
    """`unmigrated` is the verification before the rollout, of a node that is skipped and one that is to be migrated."""

    caches: CacheHost
    inventory: Inventory
    nodes: tuple[LabNode, ...]
    unmigrated: Ran
    rollout: Ran

    @classmethod
    def set(cls, directory: Path) -> Scene:
        """Make it of machines with their first bytes. Cron does not come in between."""
        control.reset(["registry-vm", *NODES])
        inventory = Inventory.copy(directory)
        old, new = "containerd-1.6]}\nworker-2", "containerd-1.6], data: {strategy: mirrors}}\nworker-2"
        inventory.replace("hosts.yaml", old, new)
        assert fleet("caches", "deploy", "--yes", "--json", *inventory.option).exit == 0
        CacheHost().sh("systemctl stop cron")
        words = ("--all", "--limit", "k8s-master,worker-2", *inventory.option)
        unmigrated = fleet("verify", "--json", *words)
        ran = rollout("--all", "--limit", ",".join(NODES), *inventory.option, gate=True)
        return cls(CacheHost(), inventory, tuple(map(LabNode, NODES)), unmigrated, ran)

    def verify(self, *words: str, only: tuple[str, ...] = NODES) -> Ran:
        """Verify the nodes ``only``, each as one of a fleet, without the fallback."""
        ran = fleet("verify", "--json", *self.inventory.option, "--all", "--limit", ",".join(only), *words)
        assert "Traceback" not in ran.stdout + ran.stderr
        return ran

    def deploy(self) -> None:
        ran = fleet("caches", "deploy", "--yes", "--json", *self.inventory.option)
        assert ran.exit == 0, ran.stdout + ran.stderr

    def answer(self) -> None:
        """Wait for every cache to answer."""
        urls = " ".join(f"{MIRROR}:{port}/v2/" for _, port in REGISTRIES.values())
        self.caches.sh(f"curl -sS --retry 100 --retry-max-time 20 --retry-all-errors --retry-delay 0 {urls}")


def pulls(ran: Ran, name: str) -> dict[str, dict[str, Any]]:
    """Return the pulls of a node by their registry."""
    return {it["registry"]: it for it in ran.json["nodes"][name]["pulls"]}


def verdicts(ran: Ran, name: str) -> dict[str, tuple[str, str]]:
    return {registry: (it["verdict"], it["reason"]) for registry, it in pulls(ran, name).items()}


def on_all(nodes: tuple[LabNode, ...], act: Callable[[LabNode], object]) -> None:
    """Do it on all nodes at once."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(act, nodes))


@contextmanager
def changed(node: LabNode, files: Mapping[str, str | None]) -> Iterator[None]:
    """Files of a node with another text, or none, for a while."""
    with ExitStack() as stack:
        for path, text in files.items():
            before = node.sh(f"cat {path} 2>/dev/null || true")
            node.write(path, text) if text is not None else node.sh(f"rm {path}")
            stack.callback(node.write, path, before) if before else stack.callback(node.sh, f"rm {path}")
        yield


@contextmanager
def cut_off(caches: CacheHost, host: str) -> Iterator[Callable[[], object]]:
    """Caches that do not reach an upstream for a while, or until what this yields is called."""
    rule = f"FORWARD -d $(getent ahostsv4 {host} | head -n 1 | cut -d' ' -f1) -p tcp -j REJECT --reject-with tcp-reset"
    caches.sh(f"iptables -I {rule}")
    end = partial(caches.sh, f"iptables -D {rule} 2>/dev/null || true")
    try:
        yield end
    finally:
        end()


@contextmanager
def forwarding_nothing(node: LabNode) -> Iterator[None]:
    """An sshd that forwards no connections."""
    with changed(node, {SSHD: "AllowTcpForwarding no\n"}):
        node.sh("systemctl reload ssh")
        yield
    node.sh("systemctl reload ssh")
