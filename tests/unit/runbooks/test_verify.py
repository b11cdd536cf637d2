"""Which images are pulled for which registry, and which registries are left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fleet.errors import UsageError
from fleet.inventory import Fleet, load
from runbooks.verify import chosen_images, left_out

SHIPPED = load(Path(__file__).parents[3] / "inventory")


def chosen(fleet: Fleet, *pulls: str) -> list[str]:
    return [str(image) for _, image in chosen_images(fleet, pulls)]


def test_the_probes_of_the_table() -> None:
    assert chosen(SHIPPED) == [row.probe for row in SHIPPED.rows.values()]


def test_an_image_that_is_named_takes_its_probes_place() -> None:
    found = chosen(SHIPPED, "ghcr.io/a:1", "busybox", "ghcr.io/b:1")
    assert found[:4] == ["docker.io/library/busybox:latest", "ghcr.io/a:1", "ghcr.io/b:1", "quay.io/lab/tiny:1"]


def test_images_that_no_cache_is_for() -> None:
    with pytest.raises(UsageError, match=r"gcr\.io/x:1: no cache is for gcr\.io"):
        chosen(SHIPPED, "gcr.io/x:1")
    with pytest.raises(UsageError, match="no image's name"):
        chosen(SHIPPED, "gcr.io/")


def test_registries_that_nothing_is_pulled_of(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED.directory, tmp_path / "inventory")
    path = tmp_path / "inventory" / "defaults.yaml"
    path.write_text(path.read_text().replace(", probe: quay.io/lab/tiny:1", ""))
    fleet = load(tmp_path / "inventory")
    assert left_out(fleet, list(chosen_images(fleet, ()))) == ["not proven: quay.io (no probe)"]
    assert left_out(fleet, list(chosen_images(fleet, ["quay.io/a:1"]))) == []
