"""What something costs: wall time, the CPU time of the controller's processes, and that of the nodes."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.cgroups import hierarchies
from lab.paths import PREFIX


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time, of CPU on the controller, and of CPU on all nodes together."""

    wall: float
    controller: float
    nodes: float


def cost(act: Callable[[], object], nodes: Sequence[str]) -> Cost:
    """Return what ``act`` costs; of the controller it counts the child processes, which ``act`` must wait for."""
    children, on_nodes, started = _children(), _on_nodes(nodes), time.monotonic()
    act()
    wall = time.monotonic() - started
    return Cost(wall, _children() - children, _on_nodes(nodes) - on_nodes)


def run(*command: str, stdin: bytes = b"") -> None:
    """Run a command that must succeed."""
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command[:4])} … failed:\n{done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}"
        )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _on_nodes(nodes: Sequence[str]) -> float:
    files = (hierarchies()[0] / PREFIX / name / "cpu.stat" for name in nodes)
    return sum(int(file.read_text().split()[1]) for file in files) / 1e6
