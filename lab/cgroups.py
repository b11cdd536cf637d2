"""A control group for each node: nodes in one group would see, and kill, each other's services."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from lab.errors import LabError
from lab.paths import PREFIX


def find_hierarchies(mountinfo: str) -> tuple[Path, ...]:
    """Return where `mountinfo` has cgroup v2, and systemd's own v1 hierarchy if there is one; v2 comes first."""
    unified: list[Path] = []
    legacy: list[Path] = []
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        if kind == "cgroup2":
            unified.append(Path(mount.split()[4]))
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            legacy.append(Path(mount.split()[4]))
    return (*unified[:1], *legacy[:1]) if unified else ()


@cache
def hierarchies() -> tuple[Path, ...]:
    """Return this machine's hierarchies, as `find_hierarchies` does."""
    return find_hierarchies(Path("/proc/self/mountinfo").read_text())


def create(name: str) -> tuple[Path, ...]:
    """Make the node's group in each hierarchy and return their directories."""
    groups = tuple(root / PREFIX / name for root in hierarchies())
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def pids(name: str | None = None) -> set[int]:
    """Return the processes in a node's group, or in those of the whole lab."""
    return {pid for root in hierarchies()[:1] for pid in _pids_below(root / PREFIX / (name or ""))}


def remove(name: str | None = None) -> None:
    """Remove a node's group, or those of the whole lab; their processes must have ended.

    Raises LabError when a group stays busy.
    """
    for root in hierarchies():
        _remove_tree(root / PREFIX / (name or ""))


def leader(name: str) -> int | None:
    """Return the process that is PID 1 inside a node, None while there is none."""
    return _first_in(f"{name}/payload/init.scope") or _first_in(f"{name}/payload")


def supervisor(name: str) -> int | None:
    """Return the process that boots a node and keeps it running, None while there is none."""
    return _first_in(name)


def service(name: str, unit: str) -> list[int]:
    """Return the processes of a node's systemd service, as this machine numbers them."""
    return [pid for root in hierarchies()[:1] for pid in _pids_in(root / PREFIX / name / "payload/system.slice" / unit)]


def _first_in(group: str) -> int | None:
    """Return the process of a group that is the first one of its process namespace."""
    candidates = (pid for root in hierarchies()[:1] for pid in _pids_in(root / PREFIX / group))
    return next((pid for pid in candidates if _is_first(pid)), None)


def _is_first(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    inside = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
    return len(inside) > 1 and inside[-1] == "1"


def _pids_below(group: Path) -> set[int]:
    return {pid for below in _tree(group) for pid in _pids_in(below)}


def _tree(top: Path) -> list[Path]:
    """Return a group and those below it, the innermost first; one that vanishes meanwhile is passed over."""
    return [Path(directory) for directory, _, _ in os.walk(top, topdown=False)]


def _pids_in(group: Path) -> list[int]:
    try:
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    except OSError:  # gone in between, or a threaded group
        return []


def _remove_tree(top: Path, within: float = 5) -> None:
    deadline = time.monotonic() + within
    while top.exists():
        for group in _tree(top):
            with suppress(OSError):  # busy until the kernel has reaped its last process
                group.rmdir()
        if top.exists():
            if time.monotonic() > deadline:
                raise LabError(f"the control group {top} stays busy")
            time.sleep(0.01)
