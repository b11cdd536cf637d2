"""Everything below /etc/containerd, as it is compared: kinds, modes, owners and contents."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

OURS = ".containerd-fleet-"
CONFIG = "config.toml"


@dataclass(frozen=True)
class Entry:
    """One file, link or directory."""

    mode: int
    owner: int
    group: int
    content: bytes = b""


Tree = Mapping[str, Entry]


def read(top: Path) -> dict[str, Entry]:
    """Return what is below ``top``. Raises ``OSError`` where something vanishes meanwhile."""
    found = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        content = b""
        if stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(status.st_mode):
            content = str(path.readlink()).encode()
        found[str(path.relative_to(top))] = Entry(status.st_mode, status.st_uid, status.st_gid, content)
    return found


def live(tree: Tree) -> dict[str, Entry]:
    """Return ``tree`` without the copies that wait beside the live files."""
    return {path: entry for path, entry in tree.items() if OURS not in path}


def strays(tree: Tree) -> list[str]:
    """Return the copies that still wait beside the live files."""
    return [path for path in tree if OURS in path]


def replaced(tree: Tree, old: str, new: str) -> dict[str, Entry]:
    """Return ``tree`` with ``old`` replaced by ``new`` in config.toml."""
    config = tree[CONFIG]
    return {**tree, CONFIG: replace(config, content=config.content.replace(old.encode(), new.encode()))}


def difference(tree: Tree, wanted: Tree) -> str:
    """Say in one line how ``tree`` differs from ``wanted``."""
    missing = [f"{path} is missing" for path in wanted if path not in tree]
    more = [f"{path} is too much" for path in tree if path not in wanted]
    other = [f"{path} differs" for path in tree if path in wanted and tree[path] != wanted[path]]
    return ", ".join(missing + more + other) or "nothing"
