"""Whatever one SSH server does, the controller ends in bounded time and memory, and every other node is reported."""

from __future__ import annotations

import pytest

from tests.ssh.conftest import BEHIND, BEHIND_SILENCE, HEALTHY, Fleet, Ran

NO_CONTAINERD = "containerd is not installed here"
"""What status says of a machine that answers as it should."""
MEMORY = 300
SECONDS = 120
REASONS = {
    "floods": "longer than 16 MB",
    "floods-stderr": "longer than 16 MB",
    "hangs": "deadline",
    "silent": "no SSH connection",
    "drips": "no SSH connection",
    "deaf": "did not answer a request within 15 s",
    "breaks-off": "connection",
}


@pytest.fixture(scope="module")
def status(loopback: Fleet) -> Ran:
    """One status over all of them."""
    return loopback.run("status")


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_a_node_that_misbehaves_is_unknown_with_the_reason(status: Ran, name: str, reason: str) -> None:
    node = status.nodes[name]
    assert node["state"] == "unknown"
    assert reason in node["cri"]
    assert len(node["cri"]) < 500


@pytest.mark.parametrize("name", [*HEALTHY, *BEHIND, "no-forwarding"])
def test_the_others_are_reported(status: Ran, name: str) -> None:
    assert (status.nodes[name]["state"], status.nodes[name]["cri"][: len(NO_CONTAINERD)]) == ("none", NO_CONTAINERD)


def test_it_ends_in_bounded_time_and_memory(status: Ran) -> None:
    assert status.exit == 4
    assert status.seconds < SECONDS
    assert status.peak < MEMORY
    assert "Traceback" not in status.stderr


@pytest.mark.parametrize("name", BEHIND_SILENCE)
def test_nodes_behind_a_silent_bastion_share_one_wait_for_it(status: Ran, name: str) -> None:
    """Twelve waits of ten seconds each, in turn, would not fit into the time of the run."""
    assert status.nodes[name]["state"] == "unknown"
    assert "no SSH connection" in status.nodes[name]["cri"]


def test_a_rollback_prints_the_other_nodes(loopback: Fleet) -> None:
    names = ("healthy-1", "healthy-2", "deaf")
    ran = loopback.run("rollback", "--yes", *(word for name in names for word in ("--host", name)))
    assert ran.seconds < SECONDS
    assert {name: node["outcome"] for name, node in ran.nodes.items()} == {
        "healthy-1": "unchanged",
        "healthy-2": "unchanged",
        "deaf": "failed",
    }
    assert ran.exit == 3


@pytest.mark.parametrize(("command", "times"), [("rollback", 3), ("status", 2), ("audit", 2), ("caches verify", 2)])
def test_ctrl_c_in_the_end_waits_for_no_node(loopback: Fleet, command: str, times: int) -> None:
    selected = {"rollback": ["--yes", "--all"], "status": ["--limit", "healthy-1,hangs"]}.get(command, [])
    ran = loopback.interrupted(*command.split(), *selected, times=times, after=6)
    assert ran.exit in (3, 130)
    assert ran.seconds < 25
    assert "Traceback" not in ran.stderr
    assert '"exit"' in ran.stdout
