"""The runner: a few at a time, stoppable, and no node's bug loses another's result."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.task import AggregatedResult, Result, Task

from fleet.runner import FleetRunner
from fleet.stop import SIGNALS, Stop


def run(runner: FleetRunner, task: object, hosts: int) -> AggregatedResult:
    names = [f"n{number}" for number in range(hosts)]
    inventory = Inventory(Hosts({name: Host(name=name) for name in names}), Groups(), Defaults())
    return Nornir(inventory, runner=runner).run(task)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="nornir")


def test_no_more_than_num_workers_at_once() -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    def count(task: Task) -> Result:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.02)
        with lock:
            at_work -= 1
        return Result(task.host)

    assert len(run(FleetRunner(3, Stop()), count, 12)) == 12
    assert most == 3


def test_after_a_failure_nothing_new_starts_and_nodes_in_flight_finish() -> None:
    both_started = threading.Barrier(2)
    failed = threading.Event()

    def fail_on_the_first(task: Task) -> Result:
        both_started.wait(5)
        if task.host.name == "n0":
            failed.set()
            raise RuntimeError("boom")
        failed.wait(5)
        time.sleep(0.1)
        return Result(task.host, result="finished")

    results = run(FleetRunner(2, Stop(), stop_on_failure=True), fail_on_the_first, 8)
    assert list(results) == ["n0", "n1"]
    assert results["n0"].failed
    assert results["n1"][0].result == "finished"


def test_without_stop_on_failure_every_node_has_its_turn() -> None:
    def fail(task: Task) -> Result:
        raise RuntimeError(task.host.name)

    results = run(FleetRunner(2, Stop()), fail, 5)
    assert sorted(results.failed_hosts) == ["n0", "n1", "n2", "n3", "n4"]


def test_a_result_that_breaks_nornir_fails_only_its_node() -> None:
    def broken(task: Task) -> Result:
        if task.host.name == "n1":
            sys_exit = SystemExit(3)
            raise sys_exit
        return Result(task.host, result="fine")

    results = run(FleetRunner(1, Stop()), broken, 3)
    assert [results[name].failed for name in ("n0", "n1", "n2")] == [False, True, False]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_starts_nothing_new_and_lets_nodes_in_flight_finish(number: signal.Signals) -> None:
    def interrupt(task: Task) -> Result:
        os.kill(os.getpid(), number)
        time.sleep(0.1)
        return Result(task.host, result="finished")

    stop = Stop()
    before = signal.getsignal(number)
    with stop.listening():
        results = run(FleetRunner(1, stop), interrupt, 4)
    assert stop.asked
    assert signal.getsignal(number) is before
    assert {name: result[0].result for name, result in results.items()} == {"n0": "finished"}
