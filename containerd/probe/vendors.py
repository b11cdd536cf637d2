"""Kubernetes distributions that own their node's containerd and write its configuration again at every start."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class ManagedBy:
    """A distribution, and the place where a node of it is configured."""

    name: str
    configured_in: str

    @property
    def refusal(self) -> str:
        """Why nothing is changed on such a node, and what to do instead."""
        return (
            f"{self.name} owns this node's containerd and writes its configuration again at every start: "
            f"configure the registries in {self.configured_in}"
        )


@dataclass(frozen=True)
class _Signs:
    """What tells a distribution: pieces of the version line, and directories that hold a path of the node."""

    managed: ManagedBy
    version: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


_RKE2 = ManagedBy("RKE2", "/etc/rancher/rke2/registries.yaml, or the template config.toml.tmpl (config-v3.toml.tmpl)")
_K3S = ManagedBy("k3s", "/etc/rancher/k3s/registries.yaml, or the template config.toml.tmpl (config-v3.toml.tmpl)")
_K0S = ManagedBy("k0s", "/etc/k0s/containerd.d, or /etc/k0s/containerd.toml once its first line is deleted")
_MICROK8S = ManagedBy(
    "MicroK8s", "/var/snap/microk8s/current/args/certs.d, or args/containerd-template.toml beside that directory"
)
_TALOS = ManagedBy("Talos", "the machine configuration: machine.registries, or RegistryMirrorConfig documents")

# RKE2 runs the containerd of k3s, so that the version line alone says k3s: its own directories come first.
_DISTRIBUTIONS = (
    _Signs(_RKE2, ("-rke2", "+rke2"), ("/var/lib/rancher/rke2", "/etc/rancher/rke2")),
    _Signs(_K3S, ("k3s-io/", "-k3s", "+k3s"), ("/var/lib/rancher/k3s", "/etc/rancher/k3s", "/run/k3s")),
    _Signs(_K0S, ("k0sproject/", "+k0s"), ("/var/lib/k0s", "/run/k0s", "/etc/k0s")),
    _Signs(_MICROK8S, (), ("/snap/microk8s", "/var/snap/microk8s")),
    _Signs(_TALOS, ("siderolabs/", "talos"), ("/system/etc", "/system/run", "/etc/cri/conf.d")),
)


def managed_by(version_line: str, paths: Collection[str]) -> ManagedBy | None:
    """The distribution that owns a containerd, None for one that stands by itself.

    `version_line` is what `containerd --version` prints; `paths` are those of its binary, its configuration, its socket
    and its root. Packages of Debian, Ubuntu, Docker and Amazon Linux, release candidates and self-built ones are
    nobody's.
    """
    line = version_line.lower()
    for signs in _DISTRIBUTIONS:
        if any(_is_below(path, directory) for path in paths for directory in signs.below):
            return signs.managed
    return next((signs.managed for signs in _DISTRIBUTIONS if any(piece in line for piece in signs.version)), None)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")
