"""What lab tests ask of the lab's machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import control
from tests.lab.caches import CacheHost, UpstreamHost
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
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the shipped inventory that a test may change."""
    return Inventory.copy(tmp_path / "inventory")
