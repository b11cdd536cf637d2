"""`fleet-node status --all`: every transaction of a node, for a controller that has no journal of it."""

from __future__ import annotations

import pytest

from tests.shell.node import ScriptedNode

RUNS = (
    ("20260101T000000Z-0001", "confirmed", "ann@one"),
    ("20260102T000000Z-0002", "rolled_back", "bob at two"),
    ("20260103T000000Z-0003", "armed", "a\tb\nc"),
)


def transaction(node: ScriptedNode, run: str, state: str, owner: str) -> None:
    directory = node.base / run
    directory.mkdir(parents=True)
    (directory / "owner").write_text(f"owner='{owner}'\nsince=2026\n")
    (directory / "state").write_text(f"{state}\n")


def test_all_transactions_are_listed_the_oldest_first(node: ScriptedNode) -> None:
    for run in reversed(RUNS):
        transaction(node, *run)
    (node.base / "current").symlink_to(RUNS[0][0])
    (node.base / "lock").touch()
    lines = node.run("status", "--all").values["transactions"].splitlines()
    assert lines == [
        "20260101T000000Z-0001\tconfirmed\tann@one\t2026",
        "20260102T000000Z-0002\trolled_back\tbob at two\t2026",
        "20260103T000000Z-0003\tarmed\ta b c\t2026",
    ]


def test_half_of_a_staged_transaction_is_listed_as_staged(one_node: ScriptedNode) -> None:
    (one_node.base / f"{RUNS[0][0]}.staging").mkdir(parents=True)
    assert one_node.run("status", "--all").values["transactions"] == f"{RUNS[0][0]}\tstaged\tsomebody\tunknown\n"


def test_a_node_that_was_never_touched_lists_nothing(node: ScriptedNode) -> None:
    answer = node.run("status", "--all")
    assert (answer.code, answer.values) == (0, {"transactions": ""})


@pytest.mark.parametrize("words", [("--all", "--run", "current"), ("--run", "current", "--all")])
def test_all_and_one_run_are_a_usage_error(one_node: ScriptedNode, words: tuple[str, ...]) -> None:
    answer = one_node.run("status", *words)
    assert answer.code == 2
    assert "status takes --all or --run, not both" in answer.stderr
