"""Which registry an image is: never guessed, since the wrong one is a registry that caches nothing."""

from __future__ import annotations

import pytest

from caches.errors import ImageError
from caches.image import parse_image

DIGEST = "registry@sha256:" + "0" * 64
KNOWN = {
    "registry:2": 2,
    "registry:2.8.3": 2,
    "registry:v2.8.3": 2,
    "registry:2-alpine": 2,
    "registry:3": 3,
    "docker.io/library/registry:3.1.1": 3,
    "ghcr.io/distribution/distribution:3.0.0-rc.1": 3,
    "registry.lan:5000/mirror/registry:2": 2,
    "registry:3.1.1@sha256:" + "a" * 64: 3,
}
REFUSED = {
    "registry": (None, "does not say which registry"),
    "registry:latest": (None, "add major: 2 or major: 3"),
    "registry:20x": (None, "does not say"),
    DIGEST: (None, "does not say"),
    "registry:2": (3, "no registry 3.x"),
    "registry:1.6": (None, "does not say"),
    "mycorp/registry:20241101": (None, "add major: 2 or major: 3"),
    "mycorp/registry:v3.0.0": (2, "no registry 2.x"),
    "registry:2 --privileged": (None, "is no image"),
    "nginx:2": (None, "not named as a registry's image; if it is one, add major"),
    "registry.lan/redis:3": (None, "not named as a registry's image"),
    "-v": (None, "is no image"),
    "": (None, "is no image"),
    "registry@sha256:abc": (None, "is no image"),
}


@pytest.mark.parametrize("reference", KNOWN)
def test_the_tag_says_it(reference: str) -> None:
    major = KNOWN[reference]
    assert parse_image(reference).major == major
    path = "/etc/docker/registry/config.yml" if major == 2 else "/etc/distribution/config.yml"
    assert parse_image(reference, major).config_path == path


@pytest.mark.parametrize("reference", REFUSED)
def test_nothing_is_guessed(reference: str) -> None:
    major, says = REFUSED[reference]
    with pytest.raises(ImageError, match=says):
        parse_image(reference, major)


@pytest.mark.parametrize(
    "reference", ["mycorp/registry:1.4", "mycorp/registry:20241101", "mycorp/registry:v7", "mycorp/cache:1"]
)
def test_the_major_of_ones_own_versions(reference: str) -> None:
    assert [parse_image(reference, major).major for major in (2, 3)] == [2, 3]


def test_a_digest_needs_its_major() -> None:
    assert parse_image(DIGEST, 3).major == 3
    assert parse_image("registry:latest", 2).config_path == "/etc/docker/registry/config.yml"
