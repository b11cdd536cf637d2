"""What lab tests ask of the lab's machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import control
from tests.lab.caches import CacheHost, UpstreamHost
from tests.lab.deployed import deploy, fill
from tests.lab.nodes import Inventory, LabNode


@pytest.fixture
def fresh(_lab: None) -> Callable[..., list[LabNode]]:
    """Nodes with their first bytes: ``fresh("worker-2", "worker-4")``."""

    def reset(*names: str) -> list[LabNode]:
        control.reset(names)
        return [LabNode(name) for name in names]

    return reset


@pytest.fixture
def cache_host(_lab: None) -> CacheHost:
    """The cache host with its first bytes: dockerd and the image, and no cache."""
    control.reset(["registry-vm"])
    return CacheHost()


@pytest.fixture
def upstream(_lab: None) -> Iterator[UpstreamHost]:
    """The upstream, as it is; whatever a test stopped runs again afterwards. What it published stays."""
    host = UpstreamHost()
    yield host
    host.slow(None)
    host.start()


@pytest.fixture
def deployed(_lab: None, upstream: UpstreamHost) -> CacheHost:
    """The cache host with all five caches, and an image in that of ghcr.io, whatever was there before. No cron runs."""
    assert upstream
    host = CacheHost()
    # Cron's own restarts would come in between.
    host.sh("systemctl stop cron; rm -rf /run/containerd-fleet/hold.d; docker rm -f web 2>/dev/null || true")
    ran = deploy()
    assert ran.exit == 0, ran.stdout + ran.stderr
    fill(host)
    return host


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the shipped inventory that a test may change."""
    return Inventory.copy(tmp_path / "inventory")
