"""Names of images."""

from __future__ import annotations

import pytest

from common import NotAnImage, Reference, parse_reference

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("busybox", Reference("docker.io", "library/busybox", "latest")),
        ("busybox:1.36", Reference("docker.io", "library/busybox", "1.36")),
        ("lab/tiny", Reference("docker.io", "lab/tiny", "latest")),
        ("docker.io/tiny:1", Reference("docker.io", "library/tiny", "1")),
        ("index.docker.io/lab/tiny:1", Reference("docker.io", "lab/tiny", "1")),
        ("ghcr.io/lab/tiny:1", Reference("ghcr.io", "lab/tiny", "1")),
        ("registry.k8s.io/pause:3.10", Reference("registry.k8s.io", "pause", "3.10")),
        ("registry.lan:5000/a/b_c/d__e:v1", Reference("registry.lan:5000", "a/b_c/d__e", "v1")),
        ("localhost/a:1", Reference("localhost", "a", "1")),
        (f"quay.io/a/b@{DIGEST}", Reference("quay.io", "a/b", "latest", DIGEST)),
        (f"quay.io/a/b:1@{DIGEST}", Reference("quay.io", "a/b", "1", DIGEST)),
    ],
)
def test_names_in_full(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


def test_a_digest_wins_over_a_tag() -> None:
    assert str(parse_reference(f"quay.io/a/b:1@{DIGEST}")) == f"quay.io/a/b@{DIGEST}"
    assert str(parse_reference("tiny")) == "docker.io/library/tiny:latest"
    assert parse_reference("tiny").name == "docker.io/library/tiny"
    assert [parse_reference(it).reference for it in ("tiny:2", f"tiny:2@{DIGEST}")] == ["2", DIGEST]


@pytest.mark.parametrize(
    "text",
    ["", "/", "ghcr.io/", "ghcr.io//x", "UPPER", "a b", "https://ghcr.io/lab/tiny", "x:", "x@sha256:00", "x:1;id"],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(NotAnImage, match="no image's name"):
        parse_reference(text)
