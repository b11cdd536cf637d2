"""Before a rollback asks: which run each node would undo, whatever a node does."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet.errors import Unreachable
from fleet.hints import SHIPPED_INVENTORY
from fleet.inventory import Fleet, load
from fleet.remote import Completed, ShellScript, never
from fleet.screen import Screen
from runbooks import rollback as runbook
from runbooks import targets as module
from runbooks.options import RollbackOptions
from runbooks.rollback import rollback
from runbooks.targets import targets

RUN = "20260214T031502Z-1f3a"


def wire(**values: str) -> bytes:
    return b"".join(b"=" + base64.b64encode(text.encode()) + f" {name}\n".encode() for name, text in values.items())


@dataclass
class Node:
    """A machine of which only what a rollback asks is known."""

    answer: Callable[[str], Completed]
    asked: list[str] = field(default_factory=list)

    @property
    def door(self) -> None:
        return None

    def connect(self) -> None:
        pass

    def reconnect(self) -> None:
        pass

    def run(
        self,
        script: ShellScript,
        *args: str,
        stdin: bytes = b"",
        timeout: float = 30.0,
        cancelled: Callable[[], bool] = never,
    ) -> Completed:
        assert (stdin, timeout > 0, cancelled()) == (b"", True, False)
        self.asked.append(" ".join((script.name, *args)))
        return self.answer(script.name)

    def http_status(self, url: str, timeout: float = 5.0) -> int | None:
        raise AssertionError(url, timeout)


def migrated(script: str) -> Completed:
    if script == "rollback_target":
        told = wire(run=RUN, state="confirmed", owner="root@vm", since="2026-02-14T03:15:02Z")
        return Completed(0, told, b"")
    return Completed(6, b"", b"")


def untouched(script: str) -> Completed:
    return Completed(0 if script == "rollback_target" else 6, b"", b"")


def silent(_: str) -> Completed:
    raise Unreachable("no SSH connection")


def mute(script: str) -> Completed:
    if script == "rollback_target":
        threading.Event().wait(20)
    return Completed(6, b"", b"")


NAMES = ("worker-1", "worker-2", "worker-3", "worker-4")


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Fleet, dict[str, Node]]:
    fleet = load(SHIPPED_INVENTORY)
    object.__setattr__(fleet, "runs", tmp_path)
    machines = {name: Node(it) for name, it in zip(NAMES, (migrated, untouched, silent, mute), strict=True)}
    for name, machine in machines.items():
        fleet.inventory.hosts[name].data["remote"] = machine
    monkeypatch.setattr(module, "ASK_SECONDS", 0.3)
    return fleet, machines


def test_every_node_has_a_row_whatever_it_does(
    nodes: tuple[Fleet, dict[str, Node]], capsys: pytest.CaptureFixture[str]
) -> None:
    fleet, machines = nodes
    began = time.monotonic()
    targets(fleet, NAMES, "current", Screen()).show(Screen())
    assert time.monotonic() - began < 10  # not the mute one's 20
    written = capsys.readouterr()
    assert written.out == ""
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in written.err.splitlines() if line[:7] == "worker-"}
    assert rows == {
        "worker-1": f"{RUN} 2026-02-14T03:15:02Z root@vm confirmed",
        "worker-2": "none nothing to roll back: no such transaction on this node",
        "worker-3": "? unknown no SSH connection; it is tried all the same",
        "worker-4": "? unknown did not come to its end within 0.3 s; it is tried all the same",
    }
    assert machines["worker-1"].asked == ["rollback_target current"]


@pytest.mark.parametrize(("options", "asks"), [(RollbackOptions(yes=True), False), (RollbackOptions(), True)])
def test_only_on_a_terminal_and_without_yes_is_time_spent_on_it(
    nodes: tuple[Fleet, dict[str, Node]], options: RollbackOptions, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, machines = nodes
    questions: list[str] = []
    monkeypatch.setattr(Screen, "can_ask", property(lambda _: True))

    def agreed(_: Screen, question: str, answer: str) -> bool:
        questions.append(question + answer)
        return True

    monkeypatch.setattr(Screen, "agreed", agreed)
    rollback(fleet, NAMES[:2], options, Screen())
    assert questions == (["Roll back these 2 nodes? Type 2 to go on:2"] if asks else [])
    assert machines["worker-1"].asked == [*(["rollback_target current"] if asks else []), "rollback current"]


def test_without_a_terminal_nothing_is_asked(nodes: tuple[Fleet, dict[str, Node]]) -> None:
    fleet, machines = nodes
    rollback(fleet, NAMES[:1], RollbackOptions(run_id=RUN), Screen())
    assert machines["worker-1"].asked == [f"rollback {RUN}"]


def test_a_no_touches_nothing(nodes: tuple[Fleet, dict[str, Node]], monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, machines = nodes
    monkeypatch.setattr(Screen, "can_ask", property(lambda _: True))
    monkeypatch.setattr(Screen, "agreed", lambda *_: False)
    report, _ = runbook.rollback(fleet, NAMES[:1], RollbackOptions(run_id=RUN), Screen())
    assert (report.exit_code, machines["worker-1"].asked) == (130, [f"rollback_target {RUN}"])
