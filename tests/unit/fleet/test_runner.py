"""The runner: a few at a time, with deadlines, stoppable, and no node's bug loses another's result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.task import AggregatedResult, Result, Task

from fleet.errors import Abandoned, DeadlinePassed
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


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError()])
def test_whatever_a_task_raises_fails_only_its_node(error: BaseException) -> None:
    def broken(task: Task) -> Result:
        if task.host.name == "n1":
            raise error
        return Result(task.host, result="fine")

    results = run(FleetRunner(1, Stop()), broken, 3)
    assert [results[name].failed for name in ("n0", "n1", "n2")] == [False, True, False]
    assert results["n1"][0].exception is error


def test_a_controller_out_of_threads_fails_only_that_node(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "n1":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    results = run(FleetRunner(2, Stop()), lambda task: Result(task.host), 3)
    assert [results[name].failed for name in ("n0", "n1", "n2")] == [False, True, False]


def test_results_come_in_the_order_of_the_hosts() -> None:
    second = threading.Event()

    def backwards(task: Task) -> Result:
        if task.host.name == "n0":
            second.wait(10)
        else:
            second.set()
        return Result(task.host)

    assert list(run(FleetRunner(2, Stop()), backwards, 2)) == ["n0", "n1"]


def test_no_hosts_no_results() -> None:
    assert not run(FleetRunner(0, Stop()), lambda task: Result(task.host), 0)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_node_past_its_deadline_fails_and_frees_its_place(released: threading.Event) -> None:
    def hang(task: Task) -> Result:
        if task.host.name in ("n0", "n1"):
            released.wait()
        return Result(task.host, result="fine")

    results = run(FleetRunner(2, Stop(), node_seconds=0.1), hang, 5)
    assert list(results) == ["n0", "n1", "n2", "n3", "n4"]
    assert sorted(results.failed_hosts) == ["n0", "n1"]
    late = results["n0"][0].exception
    assert isinstance(late, DeadlinePassed)
    assert str(late) == "did not come to its end within 0.1 s"
    assert results["n4"][0].result == "fine"


def test_a_node_past_its_deadline_is_a_failure_that_stops_the_others(released: threading.Event) -> None:
    def hang(task: Task) -> Result:
        released.wait()
        return Result(task.host)

    results = run(FleetRunner(1, Stop(), stop_on_failure=True, node_seconds=0.1), hang, 3)
    assert list(results) == ["n0"]


def test_a_node_that_was_given_up_is_cut_off_and_begins_no_further_step(released: threading.Event) -> None:
    steps: list[str] = []
    caught: list[BaseException] = []
    ended = threading.Event()

    def hang(task: Task) -> Result:
        # What closes in a way that hangs holds nobody up either.
        task.host.connections["hangs"] = SimpleNamespace(close=released.wait)
        task.host.connections["first"] = SimpleNamespace(close=fail)
        task.host.connections["second"] = SimpleNamespace(close=cut.set)
        cut.wait(10)
        steps.append("cut")
        raise ConnectionError

    def fail() -> None:
        raise OSError

    def back(task: Task) -> Result:
        steps.append("back")
        return Result(task.host)

    def migrate(task: Task) -> Result:
        try:
            task.run(hang)
        except Exception:
            try:
                task.run(back)
            except DeadlinePassed as late:
                caught.append(late)
        ended.set()
        return Result(task.host)

    cut = threading.Event()
    results = run(FleetRunner(1, Stop(), node_seconds=0.1), migrate, 1)
    assert isinstance(results["n0"][0].exception, DeadlinePassed)
    released.set()
    assert ended.wait(10)
    assert steps == ["cut"]
    assert len(caught) == 1


def test_within_their_deadline_nodes_begin_step_after_step() -> None:
    def step(task: Task) -> Result:
        return Result(task.host)

    def steps(task: Task) -> Result:
        task.run(step)
        return task.run(step)[0]

    assert not run(FleetRunner(2, Stop(), node_seconds=60), steps, 4).failed


PROGRAM = """
import os, signal, sys, threading
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.task import Result
from fleet.runner import FleetRunner
from fleet.stop import Stop

released, stop = threading.Event(), Stop()

def go_on(*_):
    print("heard", flush=True)
    stop.ask()
    released.set()

signal.signal(signal.SIGINT, go_on)

def hang(task):
    print("at work", flush=True)
    if sys.argv[1] == "stuck":
        threading.Event().wait()
    released.wait()
    return Result(task.host)

inventory = Inventory(Hosts({name: Host(name=name) for name in ("a", "b")}), Groups(), Defaults())
seconds = 0.1 if sys.argv[1] == "stuck" else float(sys.argv[2])
results = Nornir(inventory, runner=FleetRunner(1, stop, node_seconds=seconds)).run(hang)
print(*(f"{name} {'failed' if result.failed else 'done'}" for name, result in results.items()), flush=True)
"""


def program(*args: str) -> subprocess.Popen[str]:
    project = Path(__file__).resolve().parents[3]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *args], cwd=project, stdout=subprocess.PIPE, text=True)


def test_a_signal_is_heard_while_all_nodes_are_waited_for() -> None:
    with program("waiting", "1000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "heard\na done\n"
    assert process.returncode == 0


def test_a_stuck_node_does_not_keep_the_program_from_its_exit() -> None:
    with program("stuck") as process:
        assert process.stdout is not None
        assert process.stdout.read() == "at work\nat work\na failed b failed\n"
    assert process.returncode == 0


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("to_the_end", [False, True])
def test_a_third_signal_waits_for_no_node(
    number: signal.Signals, released: threading.Event, *, to_the_end: bool
) -> None:
    def hang(task: Task) -> Result:
        if task.host.name == "n0":
            return Result(task.host, result="finished")
        for _ in range(3):
            os.kill(os.getpid(), number)
            time.sleep(0.05)
        released.wait()
        return Result(task.host)

    stop = Stop()
    with stop.listening():
        results = run(FleetRunner(1, stop.to_the_end() if to_the_end else stop), hang, 4)
        later = run(FleetRunner(1, stop.to_the_end()), hang, 4)
    assert {name: type(result[0].exception) for name, result in results.items()} == {"n0": type(None), "n1": Abandoned}
    assert results["n0"][0].result == "finished"
    assert not later


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
