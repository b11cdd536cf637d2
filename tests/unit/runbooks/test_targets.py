"""Before a rollback asks: which run each node would undo, whatever a node does."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.screen import Screen
from runbooks import targets as module
from runbooks.options import RollbackOptions, RolloutOptions
from runbooks.rollback import rollback
from runbooks.rollout import Rollout
from runbooks.targets import targets
from tests.fakes.fleet import FakeFleet, Recorder, build

NAMES = ("worker-1", "worker-2", "worker-3", "worker-4")


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeFleet:
    """The first node is migrated, the second untouched; the third is down, and the fourth never answers."""
    fakes = build(tmp_path, dict.fromkeys(NAMES, "1.7"))
    options = RolloutOptions(settle_seconds=0, without_gate=True)
    assert Rollout(fakes.fleet, NAMES[:1], options, fakes.screen).carry_out().exit_code == 0
    fakes["worker-3"].up = False
    fakes["worker-4"].when("status", delay=20)
    for name in NAMES:
        fakes[name].calls.clear()
    monkeypatch.setattr(module, "ASK_SECONDS", 0.3)
    return fakes


def asked(fakes: FakeFleet, name: str = NAMES[0]) -> list[str]:
    return [" ".join((call.name, *call.args)) for call in fakes[name].calls if call.name in ("status", "rollback")]


def test_every_node_has_a_row_whatever_it_does(fakes: FakeFleet, capsys: pytest.CaptureFixture[str]) -> None:
    targets(fakes.fleet, NAMES, "current", Screen()).show(Screen())
    written = capsys.readouterr()
    assert written.out == ""
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in written.err.splitlines() if line[:7] == "worker-"}
    transaction = fakes["worker-1"].newest
    assert transaction is not None
    owner = dict(line.split("=", 1) for line in transaction.owner.splitlines())
    assert rows == {
        "worker-1": f"{transaction.run} {owner['since']} {owner['owner']} confirmed",
        "worker-2": "none nothing to roll back: no such transaction on this node",
        "worker-3": f"? unknown nothing answers on {fakes['worker-3'].address}:22; it is tried all the same",
        "worker-4": "? unknown did not come to its end within 0.3 s; it is tried all the same",
    }
    assert asked(fakes) == ["status --run current"]


@pytest.mark.parametrize(("options", "asks"), [(RollbackOptions(yes=True), False), (RollbackOptions(), True)])
def test_only_on_a_terminal_and_without_yes_is_time_spent_on_it(
    fakes: FakeFleet, options: RollbackOptions, asks: bool
) -> None:
    screen = Recorder("2")
    rollback(fakes.fleet, NAMES[:2], options, screen)
    assert screen.questions == (["Roll back these 2 nodes? Type 2 to go on:"] if asks else [])
    assert asked(fakes) == [*(["status --run current"] if asks else []), "rollback current"]


def test_without_a_terminal_nothing_is_asked(fakes: FakeFleet) -> None:
    run = fakes["worker-1"].current
    rollback(fakes.fleet, NAMES[:1], RollbackOptions(run_id=run), Recorder())
    assert asked(fakes) == [f"rollback {run}"]


def test_a_no_touches_nothing(fakes: FakeFleet) -> None:
    run = fakes["worker-1"].current
    report, _ = rollback(fakes.fleet, NAMES[:1], RollbackOptions(run_id=run), Recorder("no"))
    assert (report.exit_code, asked(fakes)) == (130, [f"status --run {run}"])
