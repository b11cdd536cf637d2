"""Runs a task over nodes, a few at a time, with deadlines, and can be stopped. Nornir's own cannot (nornir #1086)."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread

from nornir.core.inventory import Host
from nornir.core.processor import Processors
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from fleet.errors import Abandoned, DeadlinePassed
from fleet.stop import Stop

NODE_SECONDS = 600.0
"""The deadline of a node: long enough for whatever reads it or rolls it back, with each step at its own limit."""
LOOK_UP_SECONDS = 0.2


class FleetRunner:
    """A Nornir ``RunnerPlugin``.

    At most ``num_workers`` nodes are at work at once. Once ``stop`` was asked for, or with ``stop_on_failure`` a node
    has failed, nothing new starts, and nodes in flight finish; nodes that never started are not in the result.
    A bug in a task fails its node and loses no other node's result.

    A node that is not done ``node_seconds`` after its start is given up: it fails with ``DeadlinePassed``, its
    connections are closed, and it begins no further step. Its thread may live on, but keeps no process from its exit.
    Once ``stop`` is over, all nodes at work are given up like that: they fail with ``Abandoned``.
    """

    def __init__(
        self, num_workers: int, stop: Stop, *, stop_on_failure: bool = False, node_seconds: float = NODE_SECONDS
    ) -> None:
        self._num_workers = max(1, num_workers)
        self._stop = stop
        self._stop_on_failure = stop_on_failure
        self._node_seconds = node_seconds

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        """Run ``task`` over ``hosts`` in their order and return the results of those that started."""
        crew = _Crew(task, self._node_seconds)
        waiting = deque(hosts)
        while True:
            while waiting and len(crew.at_work) < self._num_workers and not self._halted(crew):
                crew.start(waiting.popleft())
            if not crew.at_work:
                break
            if self._stop.over:
                crew.abandon()
            else:
                crew.wait()
        result = AggregatedResult(task.name)
        result.update((host.name, crew.results[host.name]) for host in hosts if host.name in crew.results)
        return result

    def _halted(self, crew: _Crew) -> bool:
        return self._stop.asked or self._stop.over or (self._stop_on_failure and crew.failed.is_set())


class _Crew:
    """The nodes at work on one task, each in a thread of its own, and the results of those that are through."""

    def __init__(self, task: Task, seconds: float) -> None:
        self.at_work: dict[str, _Worker] = {}
        self.results: dict[str, MultiResult] = {}
        self.failed = Event()
        self._task = task
        self._seconds = seconds
        self._done: SimpleQueue[tuple[str, MultiResult]] = SimpleQueue()

    def start(self, host: Host) -> None:
        """Let ``host`` begin, in a daemon thread: the interpreter waits for any other at its exit."""
        worker = self.at_work[host.name] = _Worker(self._task, host, self._seconds)
        try:
            Thread(target=self._work, args=(worker,), name=host.name, daemon=True).start()
        except RuntimeError as error:  # no more threads on this controller
            self.failed.set()
            self._done.put((host.name, worker.failure(error)))

    def wait(self) -> None:
        """Wait a moment for the next node to be done, and give up those whose time is up.

        Handlers of signals run meanwhile; a moment is short, so that what they ask for is heard.
        """
        due = min(worker.due for worker in self.at_work.values())
        self._take(min(LOOK_UP_SECONDS, max(0.0, due - time.monotonic())))
        now = time.monotonic()
        for worker in [worker for worker in self.at_work.values() if worker.due <= now]:
            self._give_up(worker, worker.late)

    def abandon(self) -> None:
        """Give up every node at work whose result has not come."""
        while self._take(0.0):
            pass
        for worker in list(self.at_work.values()):
            self._give_up(worker, Abandoned("not waited for any longer: the operator asked to leave at once"))

    def _take(self, seconds: float) -> bool:
        """Wait for a result; return whether one came."""
        try:
            name, outcome = self._done.get(timeout=seconds) if seconds else self._done.get_nowait()
        except Empty:
            return False
        # One that was given up has its result already.
        if self.at_work.pop(name, None):
            self.results[name] = outcome
        return True

    def _work(self, worker: _Worker) -> None:
        outcome = worker.work()
        # Here, and not when it is taken: whoever is done next must not be followed by another.
        if outcome.failed:
            self.failed.set()
        self._done.put((worker.host.name, outcome))

    def _give_up(self, worker: _Worker, error: Exception) -> None:
        del self.at_work[worker.host.name]
        self.results[worker.host.name] = worker.give_up(error)
        self.failed.set()


class _Worker:
    """One node at one task, until ``due``."""

    def __init__(self, task: Task, host: Host, seconds: float) -> None:
        self.host = host
        self.due = time.monotonic() + seconds
        self.late = DeadlinePassed(f"did not come to its end within {seconds:g} s")
        self._processors = _Gate(task.processors)
        self._task = task.copy()
        self._task.processors = self._processors

    def work(self) -> MultiResult:
        """Do the task, and return its results whatever a task or a processor does."""
        try:
            return self._task.start(self.host)
        except BaseException as error:
            return self.failure(error)

    def give_up(self, error: Exception) -> MultiResult:
        """Let no further step begin, cut the node's connections, and return the failure. Does not wait for anything."""
        self._processors.shut(error)
        with suppress(RuntimeError):
            Thread(target=self._cut, daemon=True).start()
        return self.failure(error)

    def failure(self, error: BaseException) -> MultiResult:
        """Return ``error`` as the node's result."""
        outcome = MultiResult(self._task.name)
        outcome.append(Result(self.host, exception=error, failed=True, result=repr(error)))
        return outcome

    def _cut(self) -> None:
        # They stay the host's, dead: its thread must not find them gone and open new ones.
        for connection in list(self.host.connections.values()):
            with suppress(Exception):
                connection.close()


class _Gate(Processors):
    """The processors of a task, which once shut let no further step begin."""

    def __init__(self, processors: Processors) -> None:
        super().__init__(processors)
        self._error: Exception | None = None

    def shut(self, error: Exception) -> None:
        """Answer each further step with ``error``."""
        self._error = error

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Tell the processors; raise the error where the gate is shut."""
        if self._error is not None:
            raise self._error
        super().subtask_instance_started(task, host)
