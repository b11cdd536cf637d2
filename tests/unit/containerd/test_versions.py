from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.model import Generation, Version, VersionError, generation_of, parse_ctr_version, parse_version


@pytest.mark.parametrize(
    ("output", "numbers", "generation"),
    [
        (
            "containerd github.com/containerd/containerd v1.7.20 8fc6bcff51318944179630522a095cc9dbf9f353\n",
            (1, 7, 20),
            "1.7",
        ),
        ("containerd github.com/containerd/containerd 1.7.27 \n", (1, 7, 27), "1.7"),
        ("containerd containerd.io 1.6.33 d2d58213f83a351ca8f528a95fbd145f5654e957\n", (1, 6, 33), "1.6"),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n", (1, 6, 20), "1.6"),
        (
            "containerd github.com/k3s-io/containerd v2.1.5-k3s1 e77c15f30e1162b3b2a5b2a7ca8aebb5b7a5b1dc\n",
            (2, 1, 5),
            "2",
        ),
        ("containerd github.com/k3s-io/containerd v1.7.11-k3s2 \n", (1, 7, 11), "1.7"),
        ("containerd github.com/containerd/containerd/v2 v2.3.4 0a1b2c3\n", (2, 3, 4), "2"),
        ("containerd github.com/containerd/containerd/v2 v2.0.0-rc.3 0a1b2c3\n", (2, 0, 0), "2"),
        ("containerd github.com/containerd/containerd 1.6.39+unknown \n", (1, 6, 39), "1.6"),
        ("containerd github.com/containerd/containerd v1.7.0.m 0a1b2c3.m\n", (1, 7, 0), "1.7"),
        ("some warning\ncontainerd containerd.io 1.7.24 abc\n", (1, 7, 24), "1.7"),
        ("containerd github.com/k3s-io/containerd v1.7.11-k3s2 0a1b2c3\n", (1, 7, 11), "1.7"),
        ("containerd github.com/containerd/containerd 1.6.20~ds1-1+deb12u3 \n", (1, 6, 20), "1.6"),
        ("containerd containerd.io v2.1.5 fcd43222d6b07379a4be9786bda52438f0dd16a1\n", (2, 1, 5), "2"),
        ("containerd github.com/containerd/containerd/v2 2.1.9+unknown \n", (2, 1, 9), "2"),
        ("containerd github.com/containerd/containerd/v2 2.2.2-0ubuntu1~24.04.1 \n", (2, 2, 2), "2"),
        ("containerd github.com/containerd/containerd/v2 v2.3.0-beta.0-60-g5f2d02a.m 5f2d02a.m\n", (2, 3, 0), "2"),
    ],
)
def test_every_vendors_form_is_read(output: str, numbers: tuple[int, int, int], generation: str) -> None:
    version = parse_version(output)
    assert (version.major, version.minor, version.patch) == numbers
    assert generation_of(version) is Generation(generation)
    assert version.text == next(line for line in output.splitlines() if "/" in line or ".io" in line).split()[2]


@pytest.mark.parametrize("text", ["1.5.2-0ubuntu1~20.04.3", "1.4.4-0ubuntu1", "v1.5.0-beta.0-60-g5f2d02a.m", "3.0.0"])
def test_other_generations_are_read_but_not_supported(text: str) -> None:
    version = parse_version(f"containerd github.com/containerd/containerd {text}")
    with pytest.raises(VersionError, match=rf"containerd {version} is not supported: 1.6, 1.7 and 2.x are"):
        generation_of(version)


@pytest.mark.parametrize(
    "output", ["", "containerd", "containerd containerd.io", "bash: containerd: command not found"]
)
def test_no_version_is_an_error(output: str) -> None:
    with pytest.raises(VersionError, match="third field"):
        parse_version(output)


def test_versions_are_compared_by_number() -> None:
    texts = ["2.10.0", "1.6.9", "v2.2.0", "1.6.31", "2.2.0~ds1"]
    versions = sorted(parse_version(f"containerd c {text}") for text in texts)
    assert [str(version) for version in versions] == ["1.6.9", "1.6.31", "2.2.0", "2.2.0", "2.10.0"]
    assert Version(2, 2, 0, "v2.2.0") == Version(2, 2, 0, "2.2.0~ds1")


CTR = """Client:
  Version:  v1.7.24
  Revision: 88bf19b2105c8b17560993bee28a01ddc2f97182
  Go version: go1.22.9

Server:
  Version:  1.6.20~ds1
  Revision: 1.6.20~ds1-1+b1
  UUID: 2f3a
"""


def test_ctr_tells_client_and_server_apart() -> None:
    assert tuple(map(str, parse_ctr_version(CTR))) == ("1.7.24", "1.6.20")


@pytest.mark.parametrize("lost", ["Server", "Client"])
def test_ctr_without_a_side_is_an_error(lost: str) -> None:
    with pytest.raises(VersionError, match=f"under {lost}"):
        parse_ctr_version(CTR.replace(f"{lost}:", "Other:"))


def test_ctr_with_something_else_for_a_version_is_an_error() -> None:
    with pytest.raises(VersionError, match="not a version"):
        parse_ctr_version(CTR.replace("v1.7.24", "<unknown>"))


@given(st.text() | st.lists(st.text(max_size=8), max_size=6).map(" ".join))
def test_any_text_gives_a_version_or_a_version_error(output: str) -> None:
    for parse in (parse_version, parse_ctr_version):
        with suppress(VersionError):
            parse(output)
