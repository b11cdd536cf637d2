"""Lines as 1.6.20, 1.7.24 and 2.1.9 logged them on nodes of the lab: a shim killed while containerd was down, one that
got SIGTERM, one whose job had ended, one that was deleted in order."""

from __future__ import annotations

import json

import pytest

from containerd.probe import lost_shims

WARNING = (
    'time="2026-11-24T10:18:05.24Z" level=warning msg="cleaning up after shim disconnected" id={} namespace=k8s.io\n'
)
DEAD = 'time="2026-11-24T10:18:05.24Z" level=info msg="cleaning up dead shim"\n'
ENDED_1_6 = 'time="2026-11-24T10:18:05.23Z" level=info msg="shim disconnected" id={}\n'
ENDED = 'time="2026-11-24T10:18:05.23Z" level=info msg="shim disconnected" id={} namespace=k8s.io\n'
INFO = 'time="2026-11-24T10:18:06.53Z" level=info msg="cleaning up after shim disconnected" id={} namespace=k8s.io\n'
JSON = "".join(
    json.dumps({"id": "a", "level": "info", "msg": said, "namespace": "k8s.io"}, separators=(",", ":")) + "\n"
    for said in ("cleaning up after shim disconnected", "cleaning up dead shim")
)


@pytest.mark.parametrize(
    ("socket", "log", "lost"),
    [
        ("left", "", True),
        ("left", (ENDED + WARNING + DEAD).format("a", "a"), True),
        ("removed", "", False),
        ("removed", WARNING.format("a") + DEAD, True),
        ("removed", INFO.format("a"), True),
        ("removed", JSON, True),
        ("removed", ENDED_1_6.format("a") + WARNING.format("a") + DEAD, False),
        ("removed", ENDED.format("a") + INFO.format("a"), False),
        ("removed", INFO.format("another") + ENDED.format("a") + INFO.format("a"), False),
        ("removed", ENDED.format("another") + WARNING.format("a") + DEAD, True),
        # containerd logs from level warning on: what is missing says nothing.
        ("removed", WARNING.format("a"), False),
    ],
)
def test_a_shim_that_is_gone(socket: str, log: str, *, lost: bool) -> None:
    assert lost_shims(f"k8s.io/a\t{socket}\n", log) == (("k8s.io/a",) if lost else ())


def test_every_container_of_a_shim_is_named_once() -> None:
    gone = "k8s.io/pod\tleft\nk8s.io/pod\tleft\nk8s.io/app\tleft\nmoby/x\tremoved\n"
    assert lost_shims(gone, "") == ("k8s.io/pod", "k8s.io/app")


def test_nothing_is_gone() -> None:
    assert lost_shims("", WARNING.format("a") + DEAD) == ()
