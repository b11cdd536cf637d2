"""Large files cost in proportion to their size: counted in calls, since no clock is needed to see it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from common import mask
from containerd.config import overview
from containerd.decide import migration
from containerd.diagnose import diagnose
from containerd.loader import dialects, predict
from tests.unit.containerd.samples import CONFIG, OLD, decided, fileset, version


def mirrors(count: int) -> str:
    return "".join(
        f'[{OLD}.registry.mirrors."r{number}.example"]\nendpoint = ["http://10.0.0.1:{5000 + number}"]\n'
        for number in range(count)
    )


def endpoints(count: int) -> str:
    lines = "".join(f'  "http://10.0.0.1:{5000 + number}",\n' for number in range(count))
    return f"[{OLD}.registry.mirrors.a]\nendpoint = [\n{lines}]\n"


def hosts_with_tls(count: int) -> str:
    return "".join(
        f'[{OLD}.registry.configs."r{number}.example".tls]\ninsecure_skip_verify = true\n' for number in range(count)
    )


def in_braces(count: int) -> str:
    inner = ", ".join(f'r{number} = {{endpoint = ["http://10.0.0.1:5000"]}}' for number in range(count))
    return f"[{OLD}.registry]\nmirrors = {{{inner}}}\n"


def dotted(count: int) -> str:
    return f"[{OLD}.registry]\n" + "".join(f'mirrors.r{number}.endpoint = ["http://a"]\n' for number in range(count))


def array(count: int) -> str:
    return "note = [\n" + "".join(f'  "{number}", # a note\n' for number in range(count)) + "]\n"


def keys(count: int) -> str:
    return "[note]\n" + "".join(f"k{number} = {number}\n" for number in range(count))


def header(parts: int) -> str:
    return f"[{'.'.join(['a'] * parts)}]\nx = 1\n"


SHAPES = (mirrors, endpoints, hosts_with_tls, in_braces, dotted, array, keys, header)


def whole(text: str, runs: str) -> None:
    files, daemon = fileset(text), version(runs)
    assert predict(files, daemon).cri == "ok"
    diagnose(files, daemon)
    overview(files, daemon)
    assert CONFIG in decided(text, runs).files
    mask(text)


def calls(run: Callable[[], None]) -> int:
    count = 0

    def note(_frame: FrameType, _event: str, _argument: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("runs", ["1.7.24", "2.2.7"])
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_size_is_at_most_little_more_than_twice_the_work(shape: Callable[[int], str], runs: str) -> None:
    migration._decide.cache_clear()
    dialects._load.cache_clear()
    small, large = (calls(lambda size=size: whole("version = 2\n" + shape(size), runs)) for size in (400, 800))  # type: ignore[misc]
    assert large < 2.1 * small


@pytest.mark.parametrize("shape", [header, array])
@pytest.mark.parametrize("runs", ["1.6.20", "2.1.9", "2.4.0"])
def test_what_is_long_or_deep_is_understood(shape: Callable[[int], str], runs: str) -> None:
    whole("version = 2\n" + shape(500 if shape is header else 3000), runs)
