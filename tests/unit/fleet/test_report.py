"""The exit code of a run, and what machines read."""

from __future__ import annotations

import json

import pytest

from fleet.errors import InventoryError
from fleet.report import Exit, Gate, NodeReport, Outcome, Report, error_json


def report(*weights: Exit, interrupted: bool = False) -> Report:
    nodes = {f"n{number}": NodeReport(Outcome.FAILED, "why", weight) for number, weight in enumerate(weights)}
    return Report("20260101T000000Z-abcd", nodes, interrupted)


@pytest.mark.parametrize(
    ("weights", "interrupted", "code"),
    [
        ((Exit.OK, Exit.OK), False, 0),
        ((Exit.OK, Exit.FAILED), False, 1),
        ((Exit.UNREACHABLE, Exit.OK), False, 4),
        ((Exit.PENDING, Exit.OK), False, 5),
        ((Exit.UNREACHABLE, Exit.FAILED), False, 1),
        ((Exit.UNREACHABLE, Exit.FAILED, Exit.NOT_VERIFIED), False, 3),
        ((Exit.PENDING, Exit.UNREACHABLE), False, 4),
        ((Exit.OK,), True, 130),
        ((Exit.FAILED,), True, 130),
        ((Exit.NOT_VERIFIED,), True, 3),
    ],
)
def test_exit_codes_that_hold_together(weights: tuple[Exit, ...], interrupted: bool, code: int) -> None:
    assert report(*weights, interrupted=interrupted).exit_code == code


def test_json_of_a_run() -> None:
    nodes = {
        "a": NodeReport(Outcome.MIGRATED, "done", generation="2", version="2.1.9", diff="--- a"),
        "b": NodeReport(Outcome.UNREACHABLE, "no route", Exit.UNREACHABLE),
    }
    assert json.loads(Report("id", nodes).with_diffs(shown=False).as_json()) == {
        "run": "id",
        "exit": 4,
        "nodes": {
            "a": {"outcome": "migrated", "reason": "done", "generation": "2", "version": "2.1.9"},
            "b": {"outcome": "unreachable", "reason": "no route"},
        },
    }


def test_a_gate_that_refused_wins_over_pending_changes() -> None:
    nodes = {"a": NodeReport(Outcome.PLANNED, "config_path", Exit.PENDING)}
    refused = Report(None, nodes, gate=Gate("refused, nothing starts", ("registry-vm: address-dhcp",)))
    assert refused.exit_code == 1
    assert json.loads(refused.as_json())["gate"] == {
        "said": "refused, nothing starts",
        "refused": ["registry-vm: address-dhcp"],
    }
    assert Report(None, nodes, gate=Gate("5 caches are well")).exit_code == 5


def test_json_of_an_inventory_error() -> None:
    error = InventoryError("unknown key", "hosts.yaml", "worker-1", "prot")
    assert json.loads(error_json(error)) == {
        "exit": 2,
        "error": {"file": "hosts.yaml", "host": "worker-1", "key": "prot", "message": "unknown key"},
    }
