"""Whether a node has room for a change: inotify instances, disk blocks and inodes."""

from __future__ import annotations

from dataclasses import dataclass

SPARE_INOTIFY = 8
"""CRI watches its CNI directory, in 1.7 and 2.x one more for each runtime that has its own, and CDI's directories. With
none left CRI fails to load after the restart, and restoring files does not cure it (containerd #10468)."""
SPARE_BYTES = 4 * 1024 * 1024
"""A transaction keeps four copies of each file, all below 100 KiB, and containerd's database grows as it starts."""
SPARE_INODES = 128
"""A directory and four copies for each of some twenty hosts.toml files, and what containerd itself writes."""


@dataclass(frozen=True)
class Inotify:
    """The inotify instances of root's processes, and how many root may have."""

    used: int
    limit: int


@dataclass(frozen=True)
class Space:
    """What is free where ``directory`` lies; ``inodes`` is None on a file system that has no fixed number of them."""

    directory: str
    mount: str
    bytes: int
    inodes: int | None


@dataclass(frozen=True)
class Headroom:
    """What a node has left, as far as it told."""

    inotify: Inotify | None = None
    spaces: tuple[Space, ...] = ()


def parse_inotify(text: str) -> Inotify | None:
    """Read two numbers, used and limit; None for anything else."""
    words = text.split()
    return Inotify(int(words[0]), int(words[1])) if len(words) == 2 and all(map(str.isdecimal, words)) else None


def parse_spaces(text: str) -> tuple[Space, ...]:
    """Read rows of a directory and what df says of it: avail, itotal, iavail and target; other rows are skipped.

    Inodes are not counted on btrfs, whose total is 0, nor where df prints a dash.
    """
    rows = (line.split("\t") for line in text.splitlines())
    return tuple(
        _space(row[0], row[1].split(None, 3)) for row in rows if len(row) == 2 and _is_df(row[1].split(None, 3))
    )


def shortage(headroom: Headroom) -> str | None:
    """Say in one line what is short and what to do; None where there is enough of everything, or nothing is known."""
    inotify = headroom.inotify
    if inotify is not None and inotify.limit - inotify.used < SPARE_INOTIFY:
        return (
            f"root's processes have {inotify.used} of {inotify.limit} inotify instances, and CRI may find none "
            "after the restart; raise the limit there (sysctl -w fs.inotify.max_user_instances=8192)"
        )
    for space in headroom.spaces:
        if space.bytes < SPARE_BYTES:
            return _full(space, f"{space.bytes // 1024} KiB", f"{SPARE_BYTES // 1024} KiB")
        if space.inodes is not None and space.inodes < SPARE_INODES:
            return _full(space, f"{space.inodes} inodes", f"{SPARE_INODES} inodes")
    return None


def _full(space: Space, free: str, needed: str) -> str:
    return f"{space.directory} is on {space.mount}, which has {free} free, and {needed} are needed; make room there"


def _space(directory: str, words: list[str]) -> Space:
    available, total, free, mount = words
    return Space(directory, mount, int(available), int(free) if total.isdecimal() and int(total) else None)


def _is_df(words: list[str]) -> bool:
    return len(words) == 4 and words[0].isdecimal() and (words[2].isdecimal() or not words[1].isdecimal())
