"""What the journals of this controller tell of earlier runs, also of those that were killed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fleet.journal import NAME

Event: TypeAlias = Mapping[str, Any]

_OF_A_NODE = ("plan", "begin", "end", "node")


@dataclass(frozen=True)
class LastWord:
    """The last that a journal tells of a node, and whether the run is still at work, as which process.

    ``step`` is empty where none began; ``ok`` is ``None`` where the journal does not tell how the step ended.
    ``outcome`` is empty where the run had no word for the node yet.
    """

    run: str
    at: str
    step: str = ""
    ok: bool | None = None
    outcome: str = ""
    reason: str = ""
    finished: bool = False
    alive: bool = False
    pid: int | None = None

    def __str__(self) -> str:
        state = "at work" if self.alive else "finished" if self.finished else "interrupted"
        who = f", pid {self.pid}" if self.alive and self.pid is not None else ""
        return f"run {self.run} ({state}{who}): {self._told()}"

    def _told(self) -> str:
        at = f"{self.at[11:19]}Z"
        why = f": {self.reason}" if self.reason else ""
        if self.outcome:
            return f"{self.outcome} at {at}{why}"
        if not self.step:
            return f"planned at {at}, no step is known to have begun"
        if self.ok is None:
            return f"{self.step} began at {at}" + ("" if self.alive else ", how it ended is not known")
        return f"{self.step} {'done' if self.ok else 'failed'} at {at}{why}" + (
            "" if self.alive else ", no later step is known to have begun"
        )


@dataclass(frozen=True)
class Recorded:
    """What a journal tells of its whole run.

    ``state`` is ``at work``, ``finished`` or ``interrupted``; ``outcomes`` has the last outcome of each node, empty
    for one that has none yet.
    """

    run: str
    owner: str
    since: str
    command: str
    state: str
    outcomes: Mapping[str, str]


def read(path: Path) -> list[Event]:
    """Return the events of the journal at ``path`` in their order, without lines that a power cut or a full disk tore.

    Raises ``OSError`` where the file cannot be read.
    """
    events = map(_event, path.read_bytes().split(b"\n"))
    return [event for event in events if event is not None]


def belongs(events: Sequence[Event], inventory: str) -> bool:
    """Return whether a journal is one of ``inventory``; so is one that names none, from before journals did."""
    names = (event.get("inventory") for event in events if event["event"] == "run")
    return next((name for name in names if name is not None), inventory) == inventory


def is_dead(runs: Path, run_id: str, inventory: str = "") -> bool | None:
    """Return whether the process of the run ``run_id`` is gone: nobody holds the lock of its journal.

    ``None`` where this controller has no such journal, none that this user may read, or one of another inventory than
    ``inventory`` that nobody holds. The id may come from a node: one that leads out of ``runs`` is none.
    """
    if Path(run_id).name != run_id or run_id in ("", ".."):
        return None
    try:
        file = os.open(runs / run_id / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        # Shared, so that two who ask do not take each other for the run.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    finally:
        os.close(file)
    try:
        return True if not inventory or belongs(read(runs / run_id / NAME), inventory) else None
    except OSError:
        return None


def pid_of(runs: Path, run_id: str) -> int | None:
    """Return the process that the journal of the run ``run_id`` names; ``None`` where it names none.

    As with ``is_dead`` the id may come from elsewhere.
    """
    if is_dead(runs, run_id) is None:
        return None
    try:
        return _pid(read(runs / run_id / NAME))
    except OSError:
        return None


def newest(runs: Path, node: str, inventory: str = "") -> LastWord | None:
    """Return the last word on ``node`` of the newest run that mentions it; ``None`` where no journal does.

    With ``inventory`` only its journals count.
    """
    for run, events, alive in _journals(runs, inventory, newest_first=True):
        word = _last_word(run, events, node, alive=alive)
        if word is not None:
            return word
    return None


def recorded(runs: Path, inventory: str) -> list[Recorded]:
    """Return what the journals of ``inventory`` tell of their runs, the oldest first; unreadable ones are left out."""
    return [_recorded(run, events, alive=alive) for run, events, alive in _journals(runs, inventory) if events]


def _journals(runs: Path, inventory: str, *, newest_first: bool = False) -> Iterator[tuple[str, Sequence[Event], bool]]:
    """Return each readable journal of ``inventory``: its run, its events, and whether its process is at work."""
    for path in sorted(runs.glob(f"*/{NAME}"), reverse=newest_first):
        run = path.parent.name
        # Asked before the reading: a run that ends in between has written its last line by then.
        alive = is_dead(runs, run) is False
        try:
            events = read(path)
        except OSError:
            continue
        if not inventory or belongs(events, inventory):
            yield run, events, alive


def _recorded(run: str, events: Sequence[Event], *, alive: bool) -> Recorded:
    began = next((event for event in events if event["event"] == "run"), events[0])
    command = began.get("command")
    finished = any(event["event"] == "finish" for event in events)
    outcomes: dict[str, str] = {}
    for event in events:
        if event["event"] in _OF_A_NODE and isinstance(node := event.get("node"), str):
            outcomes[node] = str(event.get("outcome", "")) or outcomes.get(node, "")
    return Recorded(
        run,
        owner=str(began.get("user", "")),
        since=str(began["at"]),
        command=" ".join(map(str, command)) if isinstance(command, list) else "",
        state="finished" if finished else "at work" if alive else "interrupted",
        outcomes=outcomes,
    )


def _last_word(run: str, events: Sequence[Event], node: str, *, alive: bool) -> LastWord | None:
    told = [event for event in events if event.get("node") == node and event["event"] in _OF_A_NODE]
    if not told:
        return None
    last = told[-1]
    finished = any(event["event"] == "finish" for event in events)
    ok = last.get("ok")
    return LastWord(
        run,
        at=last["at"],
        step=str(last.get("step", "")),
        ok=ok if isinstance(ok, bool) else None,
        outcome=str(last.get("outcome", "")),
        reason=str(last.get("reason", "")) if last["event"] != "plan" else "",
        finished=finished,
        alive=alive and not finished,
        pid=_pid(events),
    )


def _pid(events: Sequence[Event]) -> int | None:
    pids = (event.get("pid") for event in events if event["event"] == "run")
    return next((pid for pid in pids if isinstance(pid, int)), None)


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    told = isinstance(event, dict) and isinstance(event.get("at"), str) and isinstance(event.get("event"), str)
    return event if told else None
