"""A fleet needs more open files than a shell allows by default: the limit is raised, or a line says that it must be."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from fleet.descriptors import OF_THE_CONTROLLER, needed
from fleet.session import AT_ONCE
from tests.ssh.conftest import HEALTHY, PROJECT, Fleet

MACHINES = len(HEALTHY) + 1
"""The nodes, and the cache host."""


def status(fleet: Fleet, limit: str) -> subprocess.CompletedProcess[str]:
    """Ask the healthy nodes under these limits of the shell."""
    words = ["main.py", "status", "--json", "--limit", ",".join(HEALTHY), "--inventory", str(fleet.inventory)]
    command = f"set -e; {limit}; exec {shlex.join([sys.executable, *words])}"
    return subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "limit",
    [f"ulimit -Sn {OF_THE_CONTROLLER}", f"ulimit -Sn {OF_THE_CONTROLLER}; ulimit -Hn {needed(MACHINES, AT_ONCE)}"],
    ids=["raised as far as needed", "what is needed is enough"],
)
def test_every_node_is_reported(loopback: Fleet, limit: str) -> None:
    ran = status(loopback, limit)
    assert ran.returncode == 0, ran.stderr
    assert {node["state"] for node in json.loads(ran.stdout)["nodes"].values()} == {"none"}


def test_a_hard_limit_that_is_too_low_is_said_before_any_connection(loopback: Fleet) -> None:
    files = needed(MACHINES, AT_ONCE)
    ran = status(loopback, f"ulimit -n {files - 1}")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["message"] == (
        f"so many nodes need {files} open files, and this user may have {files - 1}; raise the hard limit (ulimit -Hn, "
        "limits.conf, LimitNOFILE= of a service), or select fewer nodes"
    )
