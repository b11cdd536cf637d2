"""Runs a task over nodes, a few at a time, and can be stopped. Nornir's own runner cannot (nornir #1086)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from fleet.stop import Stop


class FleetRunner:
    """A Nornir ``RunnerPlugin``.

    At most ``num_workers`` nodes are at work at once. Once ``stop`` was asked for, or with ``stop_on_failure`` a node
    has failed, nothing new starts, and nodes in flight finish; nodes that never started are not in the result.
    A bug in a task fails its node and loses no other node's result.
    """

    def __init__(self, num_workers: int, stop: Stop, *, stop_on_failure: bool = False) -> None:
        self._num_workers = num_workers
        self._stop = stop
        self._stop_on_failure = stop_on_failure

    def run(self, task: Task, hosts: list[Host]) -> AggregatedResult:
        """Run ``task`` over ``hosts`` in their order and return the results of those that started."""
        failed = Event()
        with ThreadPoolExecutor(max(1, min(self._num_workers, len(hosts)))) as pool:
            futures = {host.name: pool.submit(self._start, task, host, failed) for host in hosts}
        result = AggregatedResult(task.name)
        for name, future in futures.items():
            outcome = future.result()
            if outcome is not None:
                result[name] = outcome
        return result

    def _start(self, task: Task, host: Host, failed: Event) -> MultiResult | None:
        if self._stop.asked or (self._stop_on_failure and failed.is_set()):
            return None
        try:
            outcome = task.copy().start(host)
        except BaseException as error:  # whatever a task or a processor does, the other nodes' results stay
            outcome = MultiResult(task.name)
            outcome.append(Result(host, exception=error, failed=True, result=repr(error)))
        if outcome.failed:
            failed.set()
        return outcome
