from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from lab import image, topology
from lab.cgroups import find_hierarchies
from lab.health import cri_state

NODES = [node for node in topology.fleet(4) if node.generation]


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_every_node_starts_with_the_wildcard_mirror(node: topology.Node) -> None:
    assert node.generation is not None
    text = image.containerd_config(node, node.generation)
    config = tomlkit.parse(text).unwrap()
    images = "io.containerd.cri.v1.images" if config["version"] == 3 else "io.containerd.grpc.v1.cri"
    assert config["plugins"][images]["registry"] == {"mirrors": {"*": {"endpoint": ["http://198.18.20.10:5000"]}}}
    assert text.count("SystemdCgroup = true") == 1
    assert node.generation.sandbox_image in text
    assert "${" not in text


def test_users_are_added_without_a_password_and_not_locked() -> None:
    assert image.with_users("root:x:0:0::/root:/bin/sh\n").splitlines()[1:] == [
        "operator:x:1000:100::/home/operator:/bin/bash",
        "nosudo:x:1001:100::/home/nosudo:/bin/bash",
    ]
    assert all(line.split(":")[1] == "*" for line in image.with_shadows("").splitlines())


HYBRID = """\
25 22 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw
26 25 0:21 / /sys/fs/cgroup/cpu rw,relatime shared:2 - cgroup cgroup rw,cpu
27 25 0:22 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
28 25 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
UNIFIED = "28 25 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
LEGACY = "27 25 0:22 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        (HYBRID, (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"))),
        (UNIFIED, (Path("/sys/fs/cgroup"),)),
        (LEGACY, ()),
        ("", ()),
    ],
)
def test_control_group_hierarchies_are_found(mountinfo: str, expected: tuple[Path, ...]) -> None:
    assert find_hierarchies(mountinfo) == expected


@pytest.mark.parametrize(
    ("plugins", "expected"),
    [
        ("io.containerd.grpc.v1  cri  linux/amd64  ok", "ok"),
        ("io.containerd.grpc.v1  cri  linux/amd64  error", "error"),
        ("io.containerd.cri.v1  images  -  error\nio.containerd.grpc.v1  cri  -  ok", "error"),
        ("io.containerd.cri.v1  images  -  ok\nio.containerd.cri.v1  runtime  linux/amd64  ok", "missing"),
        ("io.containerd.grpc.v1  healthcheck  -  ok", "missing"),
        ("", "missing"),
    ],
)
def test_the_state_of_cri_is_its_worst_plugin_s(plugins: str, expected: str) -> None:
    assert cri_state(plugins) == expected
