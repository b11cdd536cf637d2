"""How a node that failed is rolled back: asked again until it answers, or until its own timer must have acted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.report import NodeReport
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tasks import migrate
from tests.fakes.fleet import LIMITS, FakeFleet, build

NODE = "worker-1"


class Clock:
    """In place of the module ``time``: nobody waits, and ``at`` has what happens at a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, Callable[[], object]] = {}

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for second in [second for second in self.at if second <= self.now]:
            self.at.pop(second)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(migrate, "time", clock)
    return clock


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    fakes = build(tmp_path, {NODE: "1.7"})
    fakes[NODE].when("restart", fails="containerd does not start", times=1)
    return fakes


def result(fakes: FakeFleet) -> NodeReport:
    return Rollout(fakes.fleet, [NODE], RolloutOptions(settle_seconds=0), fakes.screen).carry_out().nodes[NODE]


def test_a_node_that_answers_is_rolled_back_at_once(fakes: FakeFleet, clock: Clock) -> None:
    assert result(fakes).outcome.value == "rolled_back"
    assert clock.now == 0
    assert len(fakes[NODE].called("rollback")) == 1


@pytest.mark.parametrize(
    "rule", [{"lost": "before"}, {"lost": "after"}, {"fails": "a lock is held", "code": 4}, {"hangs": True}]
)
def test_a_rollback_without_an_end_is_asked_for_again(fakes: FakeFleet, clock: Clock, rule: dict[str, Any]) -> None:
    fakes[NODE].when("rollback", times=3, **rule)
    assert result(fakes).outcome.value == "rolled_back"
    assert len(fakes[NODE].called("rollback")) == 4
    assert clock.now == 3 * migrate.PAUSE_SECONDS
    assert fakes[NODE].untouched


def test_a_node_that_is_gone_is_asked_until_it_answers(fakes: FakeFleet, clock: Clock) -> None:
    node = fakes[NODE]
    node.when("verify", begins=lambda: setattr(node, "up", False), lost="before", times=1)
    node.rules = [rule for rule in node.rules if rule.name != "restart"]
    clock.at[100.0] = lambda: setattr(node, "up", True)
    report = result(fakes)
    assert report.outcome.value == "rolled_back"
    assert 100 <= clock.now < 110
    # Not before the connection is there again.
    assert len(node.called("rollback")) == 1


def test_a_node_that_rolls_back_automatically_meanwhile_is_believed(fakes: FakeFleet, clock: Clock) -> None:
    node = fakes[NODE]
    node.rules.clear()
    node.when("verify", begins=lambda: setattr(node, "up", False), lost="before", times=1)
    clock.at[60.0] = node.fire_timer
    clock.at[90.0] = lambda: setattr(node, "up", True)
    assert result(fakes).outcome.value == "rolled_back"
    assert node.untouched


def test_a_node_that_never_answers_is_given_up_once_its_timer_and_its_boot_must_be_over(
    fakes: FakeFleet, clock: Clock
) -> None:
    node = fakes[NODE]
    node.rules.clear()
    node.when("restart", begins=lambda: setattr(node, "up", False), lost="before")
    report = result(fakes)
    assert (report.outcome.value, int(report.weight)) == ("failed", 3)
    assert "not known" in report.reason
    patience = LIMITS["revert_after"] + migrate.BOOTING_SECONDS
    assert patience <= clock.now <= patience + 2 * migrate.PAUSE_SECONDS


def test_a_node_that_refuses_is_given_up_sooner(fakes: FakeFleet, clock: Clock) -> None:
    fakes[NODE].when("rollback", fails="refused: a lock is held", code=4)
    report = result(fakes)
    assert (report.outcome.value, int(report.weight)) == ("failed", 3)
    patience = LIMITS["revert_after"] + migrate.REFUSING_SECONDS
    assert patience <= clock.now <= patience + 2 * migrate.PAUSE_SECONDS


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "NOT rolled back"),
        (5, "NOT rolled back"),
        (6, "somebody removed the transaction"),
        (8, "not known"),
        (137, "not known"),
    ],
)
def test_other_ends_of_the_rollback_script_need_a_person(fakes: FakeFleet, clock: Clock, code: int, words: str) -> None:
    fakes[NODE].when("rollback", fails="CRI: not ok", code=code)
    report = result(fakes)
    assert (report.outcome.value, int(report.weight)) == ("failed", 3)
    assert words in report.reason
    assert clock.now < 300


def test_what_the_script_says_of_itself_is_verified(fakes: FakeFleet, clock: Clock) -> None:
    """Its exit code may be 0 and its files wrong: somebody wrote them in the same second."""
    node = fakes[NODE]
    node.when("rollback", ends=lambda: node.write("/etc/containerd/config.toml", b"version = 2\n"))
    report = result(fakes)
    assert (report.outcome.value, int(report.weight)) == ("failed", 3)
    assert clock.now == 0


def test_a_bug_in_a_task_rolls_the_node_back_too(
    fakes: FakeFleet, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "verify", lambda task, plan, run: 1 / 0)  # noqa: ARG005
    fakes[NODE].rules.clear()
    report = result(fakes)
    assert report.outcome.value == "rolled_back"
    assert "internal error" in report.reason
    assert clock.now == 0
