"""Ask a node how its transaction stands. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nornir.core.task import Result, Task

from containerd.model import ContainerdError
from tasks import wire
from tasks.errors import TaskError
from tasks.inspect import read_facts
from tasks.program import ask
from tasks.reach import reach


class State(str, Enum):
    """How far a transaction is."""

    NONE = "none"
    STAGED = "staged"
    ARMED = "armed"
    APPLIED = "applied"
    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to settle."""
        return self in (State.NONE, State.CONFIRMED, State.ROLLED_BACK)


# What the node's own scripts write. One that is rolling back is applied, until it has come to its end.
_STATES = {
    "staged": State.STAGED,
    "armed": State.ARMED,
    "swapping": State.APPLIED,
    "restarting": State.APPLIED,
    "verifying": State.APPLIED,
    "rolling_back": State.APPLIED,
    "confirmed": State.CONFIRMED,
    "rolled_back": State.ROLLED_BACK,
}


@dataclass(frozen=True)
class Status:
    """How a node stands: its transaction, if it has one, the containerd that runs, and its CRI in words.

    ``step`` is the word of the node's own state file. ``reverts_in`` has the seconds until the revert timer acts; it is
    ``None`` where the transaction is not armed in this boot.
    """

    state: State
    cri: str
    version: str = ""
    step: str = ""
    run: str = ""
    owner: str = ""
    since: str = ""
    reverts_in: int | None = None

    @property
    def healthy(self) -> bool:
        """Whether the CRI plugins are ok."""
        return self.cri == "ok"


def status(task: Task) -> Result:
    """Return a result that holds the node's ``Status``. Raises ``Unreachable`` and ``StepFailed``."""
    task.run(reach)
    told = ask(task.host, "status")
    try:
        facts = read_facts(task.host)
        version, cri = facts.daemon.running.text, facts.cri.detail or facts.cri.state
    except (TaskError, ContainerdError) as error:
        version, cri = "", str(error)
    step = wire.text(told, "state")
    seconds = wire.text(told, "reverts_in")
    found = Status(
        state=_STATES.get(step, State.UNKNOWN) if told else State.NONE,
        cri=cri,
        version=version,
        step=step,
        run=wire.text(told, "run"),
        owner=wire.text(told, "owner"),
        since=wire.text(told, "since"),
        reverts_in=int(seconds) if seconds else None,
    )
    return Result(host=task.host, result=found)


@dataclass(frozen=True)
class Entry:
    """One transaction of a node, by the node's own record."""

    run: str
    state: State
    owner: str
    since: str


def transactions(task: Task) -> Result:
    """Return a result that holds the node's transactions, a tuple of ``Entry``, the oldest first.

    Raises ``Unreachable`` and ``StepFailed``.
    """
    task.run(reach)
    lines = wire.text(ask(task.host, "status", "--all"), "transactions").splitlines()
    return Result(host=task.host, result=tuple(filter(None, map(_entry, lines))))


def _entry(line: str) -> Entry | None:
    parts = line.split("\t")
    if len(parts) != 4:  # run, state, owner, since
        return None
    run, step, owner, since = parts
    return Entry(run, _STATES.get(step, State.UNKNOWN), owner, since)


def rollback_target(task: Task, run_id: str = "current") -> Result:
    """Return a result that holds the ``Status`` of the transaction that a rollback of ``run_id`` would undo.

    Its CRI is not asked. Raises ``Unreachable`` and ``StepFailed``.
    """
    task.run(reach)
    told = ask(task.host, "status", "--run", run_id)
    step = wire.text(told, "state")
    found = Status(
        state=_STATES.get(step, State.UNKNOWN) if told else State.NONE,
        cri="",
        step=step,
        run=wire.text(told, "run"),
        owner=wire.text(told, "owner"),
        since=wire.text(told, "since"),
    )
    return Result(host=task.host, result=found)
