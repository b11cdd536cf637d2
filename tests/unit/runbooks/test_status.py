"""Which exit code says how the transactions of a fleet stand."""

from __future__ import annotations

import pytest

from fleet.report import Exit
from runbooks.status import Standing
from tasks.status import State, Status


@pytest.mark.parametrize(
    ("state", "cri", "code"),
    [
        (State.NONE, "ok", Exit.OK),
        (State.NONE, "error", Exit.OK),
        (State.STAGED, "ok", Exit.PENDING),
        (State.ARMED, "ok", Exit.PENDING),
        (State.APPLIED, "ok", Exit.PENDING),
        (State.APPLIED, "error", Exit.NOT_VERIFIED),
        (State.CONFIRMED, "ok", Exit.OK),
        (State.CONFIRMED, "error", Exit.NOT_VERIFIED),
        (State.ROLLED_BACK, "ok", Exit.OK),
        (State.ROLLED_BACK, "containerd is not running", Exit.NOT_VERIFIED),
        (State.UNKNOWN, "ok", Exit.PENDING),
    ],
)
def test_one_node(state: State, cri: str, code: Exit) -> None:
    assert Standing({"n": Status(state, cri)}).exit_code is code


def test_a_node_that_was_not_asked_is_unreachable_or_interrupted() -> None:
    nodes = {"n": Status(State.UNKNOWN, "nothing answers")}
    assert Standing(nodes, frozenset(nodes)).exit_code is Exit.UNREACHABLE
    assert Standing(nodes, frozenset(nodes), interrupted=True).exit_code is Exit.INTERRUPTED
