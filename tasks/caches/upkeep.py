"""The upkeep of one cache, by hand: the same scripts that cron calls."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from nornir.core.task import Result, Task

from caches.upkeep import Script
from fleet.remote import ShellScript, never
from fleet.ssh import remote_of
from tasks.caches.deploy import LOCKED, UNLOCK
from tasks.caches.files import SCRIPTS
from tasks.errors import StepFailed

# By hand a collection waits an hour for another one; it may take four.
WAIT_SECONDS = {Script.GC: 3600, Script.RESTART: 30}
UPKEEP_SECONDS = 5 * 3600 + 600.0
SKIPPED = 2


@dataclass(frozen=True)
class Kept:
    """How it went, in the script's own words."""

    skipped: bool
    said: str


def look_after(task: Task, script: Script, container: str, cancelled: Callable[[], bool] = never) -> Result:
    """Do what ``script`` does to ``container``; the result is a ``Kept``.

    Raises ``StepFailed`` where it failed, which includes that the cache was never deployed here.
    """
    path = f"{SCRIPTS}/{script.value}"
    shell = f"[ -x {path} ] || {{ echo 'the caches were not deployed here' >&2; exit 1; }}\n"
    shell += f"WAIT_SECONDS={WAIT_SECONDS[script]} exec {path} {shlex.quote(container)}"
    done = remote_of(task.host).run(ShellScript(script.value, shell), timeout=UPKEEP_SECONDS, cancelled=cancelled)
    said = done.stdout.decode(errors="replace").strip().splitlines()
    if done.exit_code == LOCKED:
        return Result(host=task.host, result=Kept(skipped=True, said=f"{_bare(done.complaint, container)}; {UNLOCK}"))
    if done.exit_code == SKIPPED:
        return Result(host=task.host, result=Kept(skipped=True, said=_bare(done.complaint, container)))
    if done.exit_code != 0:
        raise StepFailed(_bare(done.complaint, container))
    return Result(host=task.host, changed=True, result=Kept(False, _bare(said[-1] if said else "", container)))


def _bare(line: str, container: str) -> str:
    """Return what a script said without the words that the report has already."""
    return line.removeprefix(f"{container}: ").removeprefix("skipped: ").removeprefix("failed: ")
