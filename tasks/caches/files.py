"""The files of the upkeep."""

from __future__ import annotations

from collections.abc import Sequence

from nornir.core.task import Result, Task

from caches.plan import File
from caches.upkeep import Script, Upkeep, jobs
from tasks import scripts, wire
from templates import render_cron, source

SCRIPTS = "/usr/local/lib/containerd-fleet"
CRON = "/etc/cron.d/containerd-fleet-caches"
FILES = (f"{SCRIPTS}/caches.sh", *(f"{SCRIPTS}/{it.value}" for it in Script), CRON)


def upkeep_files(containers: Sequence[str], upkeep: Upkeep) -> tuple[File, ...]:
    """Return the files that look after ``containers``: what the scripts share, the scripts, and what calls them."""
    return (
        File(f"{SCRIPTS}/caches.sh", source("caches/caches.sh")),
        *(File(f"{SCRIPTS}/{it.value}", source(f"caches/{it.value}.sh"), "0755") for it in Script),
        File(CRON, render_cron(jobs(containers, upkeep), SCRIPTS)),
    )


def write_files(task: Task, files: Sequence[File]) -> Result:
    """Write ``files``, each by renaming, with its mode. Raises ``StepFailed``."""
    named = {f"{file.mode} {file.path}": file.text.encode() for file in files}
    scripts.must(task.host, "caches_files", stdin=wire.encode(named))
    return Result(host=task.host, changed=True, result=tuple(file.path for file in files))
