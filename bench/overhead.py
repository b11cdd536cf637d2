"""What a rollout costs beside the same steps as one raw ssh script, and how much of the controller a node takes.

Needs a lab with more workers: python main.py lab up --workers 53, then python -m bench.overhead inventory-lab.
Nothing here asserts anything: the figures are ratios of one run, on a machine that does other things too.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from lab import control
from lab.paths import KEY, KNOWN_HOSTS

PROJECT = Path(__file__).parent.parent
NODE, ADDRESS = "worker-2", "198.18.20.22"
ROUNDS = 5
SSH = ["ssh", "-F", "none", "-i", str(KEY), "-o", f"UserKnownHostsFile={KNOWN_HOSTS}", "-o", "BatchMode=yes"]


def seconds(command: list[str], stdin: bytes = b"") -> tuple[float, float]:
    """Run a command that must succeed; return its wall time and its CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(command, input=stdin, capture_output=True, check=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fleet(inventory: str, *words: str) -> list[str]:
    """Return a command line of this project's."""
    return [sys.executable, str(PROJECT / "main.py"), *words, "--yes", "--json", "--inventory", inventory]


def one_node(inventory: str) -> None:
    """Compare one node from start to confirmed with the raw script, without the settle time."""
    raw = (PROJECT / "bench" / "raw.sh").read_bytes()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        control.reset([NODE])
        ours.append(seconds(fleet(inventory, "canary", "--host", NODE, "--settle", "0", "--without-gate"))[0])
        control.reset([NODE])
        theirs.append(seconds([*SSH, f"root@{ADDRESS}", "sh", "-s"], raw)[0])
    mine, his = statistics.median(ours), statistics.median(theirs)
    print(f"one node, start to confirmed: {mine:.2f} s; raw ssh script: {his:.2f} s; {mine - his:.2f} s more")


def many_nodes(inventory: str) -> None:
    """Tell the controller's CPU time per node: a large rollout less a rollout of one node."""
    control.reset()
    wall, cpu = seconds(
        fleet(inventory, "rollout", "--group", "workers", "--settle", "0", "--num-workers", "20", "--without-gate")
    )
    changed = sum(node.generation is not None and node.generation.name != "1.6" for node in control.nodes())
    control.reset([NODE])
    single = seconds(fleet(inventory, "canary", "--host", NODE, "--settle", "0", "--without-gate"))[1]
    each = (cpu - single) / (changed - 1)
    print(f"{changed} nodes in {wall:.1f} s; controller CPU {cpu:.2f} s, of which one node alone takes {single:.2f} s")
    print(f"controller CPU for each further node: {1000 * each:.0f} ms; all included: {1000 * cpu / changed:.0f} ms")


if __name__ == "__main__":
    where = sys.argv[1] if len(sys.argv) > 1 else str(PROJECT / "inventory")
    one_node(where)
    many_nodes(where)
