"""Run the node's own way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from common import unified_diff
from fleet.errors import CommandTimeout, ConnectionLost
from fleet.remote import Completed
from fleet.ssh import remote_of
from tasks import scripts, wire
from tasks.errors import TaskError
from tasks.verify import CHECK_SECONDS, check

# The script's own waits in a row: the lock, the restart, CRI.
ROLLBACK_SECONDS = 320.0


class Mode(str, Enum):
    """How the script is started."""

    PLAIN = ""
    FORCE = "--force"
    REVERT = "--revert"


class Restoration(Enum):
    """How the rollback script ended."""

    RESTORED = 0
    CRI_NOT_OK = 3
    REFUSED = 4
    NOT_RESTORED = 5
    NO_TRANSACTION = 6
    CONFIRMED = 7
    NOT_VERIFIED = -2
    UNKNOWN = -1


@dataclass(frozen=True)
class RolledBack:
    """What the rollback script did and found, in its own words."""

    run: str | None
    restoration: Restoration
    lines: tuple[str, ...]
    diff: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything was put back, or containerd was restarted."""
        return any(line.split(" ", 1)[0] in ("restored", "removed", "restarted") for line in self.lines)


def rollback(
    task: Task, run_id: str = "current", mode: Mode = Mode.PLAIN, verify_within: int = CHECK_SECONDS
) -> Result:
    """Run the rollback script of ``run_id`` (the newest transaction by default); return a ``RolledBack``.

    It restores the files from before that run, restarts containerd where needed and checks CRI; then the node is
    verified as after a change, within so many seconds. With ``FORCE`` it goes on where live files or containerd's
    version are no longer those of the run, and saves the live files; ``REVERT`` does that too, but leaves a run alone
    that was confirmed. A machine that is going down leaves the ``Restoration`` unknown: its boot goes on with it.
    In a dry run nothing is done. Raises ``Unreachable`` and ``SudoRefused``, where nothing was begun; where the
    connection breaks or the time is up later on, the ``Restoration`` is unknown.
    """
    if task.is_dry_run():
        return Result(host=task.host, result=RolledBack(None, Restoration.NO_TRANSACTION, ("dry run",)))
    arguments = [run_id, *([mode.value] if mode.value else [])]
    remote_of(task.host).connect()
    try:
        outcome = _outcome(scripts.run(task.host, "rollback", *arguments, timeout=ROLLBACK_SECONDS))
    except (ConnectionLost, CommandTimeout) as error:
        outcome = RolledBack(None, Restoration.UNKNOWN, (f"whether it came to its end is not known: {error}",))
    if outcome.restoration is Restoration.RESTORED and outcome.run:
        outcome = _checked(task, outcome, outcome.run, verify_within)
    if outcome.restoration is Restoration.REFUSED and outcome.run:
        outcome = replace(outcome, diff=_difference(task.host, outcome))
    return Result(host=task.host, changed=outcome.changed, diff=outcome.diff, result=outcome)


def _checked(task: Task, outcome: RolledBack, run_id: str, within: int) -> RolledBack:
    """Verify what the script says of itself.

    Not as a subtask: one that fails makes the whole task a failed one, and its result is lost.
    """
    try:
        check(task, run_id, "before", within)
    except TaskError as reason:
        return replace(outcome, restoration=Restoration.NOT_VERIFIED, lines=(*outcome.lines, f"but {reason}"))
    return outcome


def _outcome(done: Completed) -> RolledBack:
    said = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    # The user's shell may print something at login; the script begins by naming the run.
    start = next((number for number, line in enumerate(said) if line.startswith("run ")), None)
    run = None if start is None else said[start].removeprefix("run ")
    lines = tuple(line for line in said[0 if start is None else start + 1 :] if line)
    known = {ending.value for ending in Restoration}
    return RolledBack(run, Restoration(done.exit_code if done.exit_code in known else -1), lines)


def _difference(host: Host, refused: RolledBack) -> str:
    """Compare each live file that somebody changed with what the run wrote, secrets masked."""
    live = [line.removeprefix("changed ").split(": ")[0] for line in refused.lines if line.startswith("changed /")]
    seen = wire.decode(scripts.must(host, "written", refused.run or "", *live))
    return "".join(
        unified_diff(path, _decoded(seen.get(f"written:{path}")), _decoded(seen.get(f"live:{path}"))) for path in live
    )


def _decoded(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="replace")
