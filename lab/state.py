"""What the lab has recorded about itself, and whether that is still true. Light: it is asked before any connection."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from lab import cgroups
from lab.errors import LabError
from lab.paths import CHECKOUT, HOME, LOCK, RECORD
from lab.process import Process

ADMINISTRATION = 1 << 12 | 1 << 21
"""CAP_NET_ADMIN and CAP_SYS_ADMIN in a set of capabilities."""


@dataclass(frozen=True)
class Record:
    """A lab as it was started: by which checkout, in which boot of the machine, with which processes."""

    owner: str
    workers: int
    boot: str
    supervisors: Mapping[str, Process] = field(default_factory=dict)

    def alive(self, name: str) -> bool:
        """Return whether the process that keeps a node running still does."""
        supervisor = self.supervisors.get(name)
        return supervisor is not None and self.boot == boot_id() and supervisor.alive()

    def to_json(self) -> str:
        """Return the record as the text of lab.json."""
        nodes = {name: {"pid": it.pid, "started": it.started} for name, it in self.supervisors.items()}
        return json.dumps({"owner": self.owner, "workers": self.workers, "boot": self.boot, "nodes": nodes}, indent=2)


def parse(text: str) -> Record | None:
    """Read the text of lab.json; None when it is not one, such as half of one."""
    try:
        raw = json.loads(text)
        supervisors = {name: Process(int(it["pid"]), int(it["started"])) for name, it in raw["nodes"].items()}
        return Record(str(raw["owner"]), int(raw["workers"]), str(raw["boot"]), supervisors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read() -> Record | None:
    """Return the record of the latest lab; None when there is none, or it is not ours to read."""
    try:
        return parse(RECORD.read_text())
    except (FileNotFoundError, PermissionError):
        return None


def write(record: Record) -> None:
    """Replace the record on disk, whole or not at all."""
    fresh = RECORD.with_suffix(".new")
    fresh.write_text(record.to_json())
    fresh.replace(RECORD)


def is_up(name: str | None = None) -> bool:
    """Return whether a node of the lab runs, or any node when none is named. Connects nowhere."""
    record = read()
    if record is None:
        return False
    return any(record.alive(node) for node in ([name] if name else record.supervisors))


def why_not() -> str | None:
    """Return the sentence that says why this machine cannot run a lab, None when it can."""
    if platform.system() != "Linux":
        return f"the lab needs Linux, and this is {platform.system()}"
    if os.geteuid() != 0:
        return "the lab needs root: it makes network namespaces, mounts and containers"
    if not _may_administer(Path("/proc/self/status").read_text()):
        return "the lab needs a root that may mount and make networks, and in this container root may not"
    if not cgroups.hierarchies():
        return "the lab needs a mounted cgroup v2 hierarchy, and this machine has none"
    return None


def require_able() -> None:
    """Raise LabError when this machine cannot run a lab."""
    if reason := why_not():
        raise LabError(reason)


def boot_id() -> str:
    """Return what identifies this boot of the machine: process ids of another one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _may_administer(status: str) -> bool:
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return int(effective.split()[1], 16) & ADMINISTRATION == ADMINISTRATION


@contextmanager
def lock(within: float = 60) -> Iterator[None]:
    """Hold the lab for one command.

    Raises LabError when another command still holds it after `within` seconds.
    """
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    with LOCK.open("a+") as file:
        _acquire(file, within)
        file.truncate(0)
        file.write(f"{os.getpid()} of {CHECKOUT}")
        file.flush()
        yield


def _acquire(file: TextIO, within: float) -> None:
    deadline = time.monotonic() + within
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.seek(0)
                raise LabError(f"another lab command is still at work: process {file.read()}") from None
            time.sleep(0.1)
        else:
            return
