"""What signals ask for."""

from __future__ import annotations

import os
import signal

import pytest

from fleet.stop import SIGNALS, Stop


@pytest.mark.parametrize("number", SIGNALS)
def test_once_is_a_wish_and_twice_is_urgent(number: signal.Signals) -> None:
    said: list[str] = []
    heard: list[bool] = []
    stop = Stop(said.append, undoes=True)
    stop.hear(heard.append)
    before = signal.getsignal(number)
    with stop.listening():
        os.kill(os.getpid(), number)
        assert (stop.asked, stop.urgent) == (True, False)
        os.kill(os.getpid(), number)
        assert (stop.asked, stop.urgent) == (True, True)
    assert signal.getsignal(number) is before
    assert heard == [False, True]
    assert "nothing new starts" in said[0]
    assert "rolled back" in said[1]


def test_where_nothing_is_undone_nobody_is_told_that_it_will_be() -> None:
    said: list[str] = []
    with Stop(said.append).listening():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert said == [
        "stopping: nodes in flight finish, nothing new starts",
        "stopping: nodes in flight finish; once more: leave at once",
    ]


# how a stop is made, and after which signal nothing is waited for any longer
LEAVES = [({"undoes": True}, 3), ({}, 3), ({"reads": True}, 2)]


@pytest.mark.parametrize(("kind", "last"), LEAVES)
def test_in_the_end_nothing_is_waited_for(kind: dict[str, bool], last: int) -> None:
    said: list[str] = []
    stop = Stop(said.append, **kind)
    to_the_end = stop.to_the_end()
    over = []
    with stop.listening():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
            over.append(stop.over)
    assert over == [number >= last for number in (1, 2, 3)]
    assert (to_the_end.asked, to_the_end.urgent, to_the_end.over) == (False, False, True)
    assert said[last - 1].startswith("leaving: no node is waited for any longer")
    assert ("revert timer" in said[last - 1]) is ("reads" not in kind)


def test_different_signals_add_up() -> None:
    stop = Stop()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.urgent


def test_waiting_ends_with_the_second_wish_only() -> None:
    stop = Stop()
    stop.ask()
    stop.wait(0.01)
    assert not stop.urgent
    stop.ask()
    stop.wait(3600)
    assert stop.urgent
