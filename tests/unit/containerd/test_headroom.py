from __future__ import annotations

import pytest

from containerd.model import Headroom, Space, parse_inotify, parse_spaces, shortage
from containerd.model.headroom import SPARE_BYTES, SPARE_INODES, Inotify


@pytest.mark.parametrize(
    ("text", "read"), [("7\n128\n", Inotify(7, 128)), ("", None), ("7\n", None), ("7\nmany\n", None), ("1 2 3", None)]
)
def test_inotify(text: str, read: Inotify | None) -> None:
    assert parse_inotify(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("/etc\t    83774832640 16777216 16319679 /\n", Space("/etc", "/", 83774832640, 16319679)),
        ("/etc\t  8192 0 0 /btrfs\n", Space("/etc", "/btrfs", 8192, None)),
        ("/etc\t  8192 - - /fat\n", Space("/etc", "/fat", 8192, None)),
        ("/a b\t 0 100 0 /with space\n", Space("/a b", "/with space", 0, 0)),
        ("/etc\t\n", None),
        ("/etc\tAvail Inodes IFree Mounted on\n", None),
        ("", None),
    ],
)
def test_spaces(text: str, read: Space | None) -> None:
    assert parse_spaces(text) == (() if read is None else (read,))


def room(byte: int = SPARE_BYTES, inodes: int | None = SPARE_INODES) -> Headroom:
    return Headroom(Inotify(120, 128), (Space("/etc/containerd", "/", byte, inodes),))


@pytest.mark.parametrize(
    ("headroom", "said"),
    [
        (Headroom(), None),
        (room(), None),
        (room(inodes=None), None),
        (room(byte=SPARE_BYTES - 1), "/etc/containerd is on /, which has 4095 KiB free, and 4096 KiB are needed"),
        (room(inodes=3), "/etc/containerd is on /, which has 3 inodes free, and 128 inodes are needed"),
        (Headroom(Inotify(121, 128)), "root's processes have 121 of 128 inotify instances"),
        (Headroom(Inotify(0, 4)), "fs.inotify.max_user_instances"),
        (Headroom(None, (Space("/a", "/", 1 << 40, 1 << 20), Space("/b", "/b", 0, 0))), "/b is on /b, which has 0 KiB"),
    ],
)
def test_a_shortage(headroom: Headroom, said: str | None) -> None:
    found = shortage(headroom)
    assert (found is None) == (said is None)
    assert (said or "") in (found or "")
    assert "\n" not in (found or "")
