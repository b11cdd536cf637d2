"""The journal of a run on the controller: every step of every node, on disk before it begins and after it ended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from threading import RLock
from types import TracebackType

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task

from common import brief, mask
from containerd.decide import NodePlan
from containerd.model import checksum
from fleet.errors import NotRecorded, UsageError
from fleet.journal_file import JournalFile, Lines
from fleet.report import Report
from fleet.results import cause

NAME = "journal.jsonl"


class Journal:
    """The journal of the run ``run_id``: ``<runs>/<run_id>/journal.jsonl``, one JSON object a line.

    Threads may share it. Each line is on disk when its method returns. The file is locked (flock) until ``close`` or
    the death of the process, so that a journal that can be locked belongs to a run that is dead.

    A journal that cannot be made, or not take its first line, is a ``UsageError``. Once a later line cannot be
    written, ``broken`` says why, ``say`` gets one message, and ``begin`` raises ``NotRecorded``: nothing new starts.
    With ``needed=False``, for what must be done in any case, ``begin`` raises nothing. ``opened`` opens the file.
    """

    def __init__(
        self,
        runs: Path,
        run_id: str,
        say: Callable[[str], None] = lambda _: None,
        *,
        needed: bool = True,
        opened: Callable[[Path], Lines] = JournalFile,
    ) -> None:
        self.path = runs / run_id / NAME
        self.broken = ""
        self._run_id = run_id
        self._say = say
        self._needed = needed
        # A signal's handler writes too, perhaps while the main thread is at it.
        self._lock = RLock()
        try:
            self._file: Lines | None = opened(self.path)
        except (OSError, ValueError) as error:
            raise self._impossible(error) from None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the journal. What is written afterwards, by a node that was given up, is lost."""
        with self._lock:
            file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError as error:
            self._break(error)

    def began(self, command: Sequence[str], user: str, versions: Mapping[str, str], inventory: str = "") -> None:
        """Write who began what with which programs, on which inventory.

        Raises ``UsageError`` where that is not possible.
        """
        told: dict[str, object] = {"run": self._run_id, "user": user, "pid": os.getpid()}
        told |= {"inventory": inventory} if inventory else {}
        try:
            self._append("run", told | {"command": list(command), "versions": dict(versions)})
        except OSError as error:
            raise self._impossible(error) from None

    def planned(self, node: str, plan: NodePlan) -> None:
        """Write what is to be done on ``node``, each file with its sums."""
        files = [
            {"path": file.path, "kind": file.kind, "before": file.before_sum, "after": checksum(file.after)}
            for file in plan.files
        ]
        self._write(
            "plan",
            node=node,
            containerd=plan.facts.daemon.version.text,
            strategy=plan.decision.strategy.value,
            reason=plan.reason,
            restart=plan.restart,
            files=files,
        )

    def begin(self, node: str, step: str) -> None:
        """Write that ``step`` is about to begin on ``node``.

        Raises ``NotRecorded`` once a line of a journal that is needed could not be written.
        """
        self._write("begin", node=node, step=step)
        if self.broken and self._needed:
            raise NotRecorded(self.broken)

    def end(
        self,
        node: str,
        step: str,
        ok: bool,
        seconds: float,
        reason: str = "",
        *,
        sums: Mapping[str, str] | None = None,
    ) -> None:
        """Write how ``step`` ended on ``node``; the ``reason`` is that of a failure, and masked.

        ``sums`` has the sha256 of each file that the step put in place.
        """
        told: dict[str, object] = {} if ok else {"reason": reason}
        told |= {"sha256": dict(sums)} if sums else {}
        self._write("end", node=node, step=step, ok=ok, seconds=round(seconds, 3), **told)

    def stopping(self, urgent: bool) -> None:
        """Write that the operator asked to stop. A handler of signals may call it."""
        self._write("stop", urgent=urgent)

    def outcome(self, node: str, outcome: str, reason: str) -> None:
        """Write the word that ``node`` ended with."""
        self._write("node", node=node, outcome=outcome, reason=reason)

    def finished(self, code: int) -> None:
        """Write the exit code of the run: its last line."""
        self._write("finish", exit=int(code))

    def closing(self, report: Report) -> None:
        """Write the outcome of every node, and the exit code."""
        for name, node in report.nodes.items():
            self.outcome(name, node.outcome.value, node.reason)
        self.finished(report.exit_code)

    def _write(self, event: str, **told: object) -> None:
        """Write one line with its reason masked; what fails breaks the journal, and is no error."""
        try:
            if "reason" in told:
                told["reason"] = " ".join(mask(brief(str(told["reason"]))).split())
            self._append(event, told)
        except Exception as error:  # whatever it is, the nodes come first
            self._break(error)

    def _break(self, error: Exception) -> None:
        if not self.broken:
            self.broken = f"the journal {self.path} cannot be written: {_why(error)}"
            end = "nothing new starts, and nodes in work finish" if self._needed else "the run goes on without it"
            self._say(f"{self.broken}; {end}")

    def _append(self, event: str, told: Mapping[str, object]) -> None:
        with self._lock:
            if self._file is not None:
                # In ASCII, so that no text can end the line or not be encoded.
                self._file.append(json.dumps({"at": _now(), "event": event, **told}).encode() + b"\n")

    def _impossible(self, error: Exception) -> UsageError:
        message = f"no journal can be kept in {self.path.parent}: {_why(error)}; name a directory that you may write to"
        return UsageError(message, "defaults.yaml", key="data.runs")


class JournalProcessor:
    """A Nornir processor that writes each step of a node into ``journal``, before it begins and after it ended.

    A step is a subtask of the task that the runbook runs; what the step does within itself is its own affair. A step
    whose line cannot be written fails with ``NotRecorded`` before it begins. Steps with a name of ``always`` begin all
    the same, and so does every step on a node on which one with the name ``point`` has begun.
    """

    def __init__(self, journal: Journal, *, always: Collection[str] = (), point: str = "") -> None:
        self._journal = journal
        self._always = frozenset(always)
        self._point = point
        self._past_point: set[str] = set()
        self._since: dict[Task, float] = {}

    def task_started(self, task: Task) -> None:
        """Write nothing."""

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Write nothing."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """Write nothing."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Write nothing."""

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Write that a step of the node is about to begin. Raises ``NotRecorded`` where it must not without that."""
        if not _is_step(task):
            return
        try:
            self._journal.begin(host.name, task.name)
        except NotRecorded:
            if task.name not in self._always and host.name not in self._past_point:
                raise
        if task.name == self._point:
            self._past_point.add(host.name)
        self._since[task] = time.monotonic()

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Write how a step of the node ended, and how long it took."""
        if _is_step(task):
            seconds = time.monotonic() - self._since.pop(task)
            reason = _complaint(result) if result.failed else ""
            sums = getattr(result[0].result, "sums", None)
            self._journal.end(host.name, task.name, not result.failed, seconds, reason, sums=sums)


def _is_step(task: Task) -> bool:
    return task.parent_task is not None and task.parent_task.parent_task is None


def _complaint(result: MultiResult) -> str:
    error = cause(result)
    if error is None:
        return str(result[0].result)
    return str(error) or type(error).__name__


def _now() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
