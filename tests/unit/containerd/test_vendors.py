from __future__ import annotations

import pytest

from containerd.probe import managed_by

USUAL = ("/usr/bin/containerd", "/etc/containerd/config.toml", "/run/containerd/containerd.sock", "/var/lib/containerd")
PLAIN = "containerd github.com/containerd/containerd/v2 v2.1.5 e77c15f"


@pytest.mark.parametrize(
    ("line", "paths", "name", "place"),
    [
        (
            "containerd github.com/k3s-io/containerd v2.1.5-k3s1 e77c15f",
            USUAL,
            "k3s",
            "/etc/rancher/k3s/registries.yaml",
        ),
        ("containerd github.com/k3s-io/containerd v1.7.11-k3s2", (), "k3s", "config.toml.tmpl"),
        (PLAIN, ("/var/lib/rancher/k3s/data/current/bin/containerd",), "k3s", "registries.yaml"),
        (
            "containerd github.com/k3s-io/containerd v2.1.5-k3s1 e77c15f",
            ("/var/lib/rancher/rke2/agent/etc/containerd/config.toml",),
            "RKE2",
            "/etc/rancher/rke2/registries.yaml",
        ),
        (PLAIN, ("/var/lib/k0s/bin/containerd",), "k0s", "/etc/k0s/containerd.d"),
        (PLAIN, ("/etc/k0s/containerd.toml",), "k0s", "/etc/k0s/containerd.d"),
        (PLAIN, ("/snap/microk8s/6089/bin/containerd",), "MicroK8s", "containerd-template.toml"),
        (PLAIN, ("/var/snap/microk8s/6089/args/containerd.toml",), "MicroK8s", "args/certs.d"),
        (PLAIN, ("/etc/cri/conf.d/cri.toml",), "Talos", "machine.registries"),
    ],
)
def test_a_distribution_is_told_by_its_version_or_its_paths(
    line: str, paths: tuple[str, ...], name: str, place: str
) -> None:
    managed = managed_by(line, paths)
    assert managed is not None
    assert managed.name == name
    assert place in managed.configured_in
    assert managed.configured_in in managed.refusal
    assert "\n" not in managed.refusal


@pytest.mark.parametrize(
    "line",
    [
        "containerd containerd.io 1.6.33 d2d58213f83a351ca8f528a95fbd145f5654e957",
        "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3",
        "containerd github.com/containerd/containerd 1.5.2-0ubuntu1~20.04.3",
        "containerd github.com/containerd/containerd 1.7.27 ",
        "containerd github.com/containerd/containerd/v2 v2.0.0-rc.3 0a1b2c3",
        "containerd github.com/containerd/containerd 1.6.39+unknown",
        "",
    ],
)
@pytest.mark.parametrize("paths", [USUAL, ("/snap/microk8s-tools/bin/containerd",), ()])
def test_others_stand_by_themselves(line: str, paths: tuple[str, ...]) -> None:
    assert managed_by(line, paths) is None
