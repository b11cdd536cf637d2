"""One cell at work: the node, the run that is driven on it, and what a fault needs to know of both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab import machine
from lab.topology import Node
from tests.faults import journals, trees
from tests.faults.points import Point
from tests.faults.settings import Limits, Variant, write_inventory
from tests.faults.trees import Tree
from tests.faults.watch import ETC, Daemon, daemon_of, transaction_state
from tests.lab.nodes import PROJECT, LabNode, Ran

DRIVER = PROJECT / "tests/faults/driver.py"
REACH_SECONDS = 90
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "env", "--default-signal=INT,HUP")
"""What is started in the background may have been told to ignore signals, and would pass that on."""


@dataclass
class Scene:
    """A node of the lab, a directory of this cell's own, and a controller."""

    lab: Node
    variant: Variant
    point: Point
    limits: Limits
    directory: Path
    username: str = "root"
    old: Tree = field(default_factory=dict)
    controller: subprocess.Popen[bytes] | None = None
    frozen: list[int] = field(default_factory=list)
    second: Ran | None = None
    finished: Ran | None = None
    before: Daemon | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True)

    @property
    def node(self) -> LabNode:
        """The node, reached without SSH."""
        return LabNode(self.lab.name)

    @property
    def inventory(self) -> tuple[str, str]:
        """The options that name this cell's inventory: this node alone, with short limits and a place for journals."""
        where = self.directory / "inventory"
        if not where.exists():
            data = {"transaction": str(self.limits), "runs": str(self.runs)}
            write_inventory(where, self.lab, self.variant.strategy, self.username, data)
        return ("--inventory", str(where))

    @property
    def runs(self) -> Path:
        """Where the journals are."""
        return self.directory / "runs"

    def tree(self) -> dict[str, trees.Entry]:
        """Return everything below /etc/containerd, copies that wait included."""
        return trees.read(machine.root(self.lab.name) / ETC)

    def remember(self) -> None:
        """What is live now is what was there before: somebody has just written it."""
        self.old = trees.live(self.tree())
        self.before = self.before or daemon_of(self.lab.name)

    def start(self) -> None:
        """Start the rollout on the node; it will hold still at the point."""
        words = ["rollout", "--limit", self.lab.name, "--all", "--yes", "--json", "--without-gate"]
        words += ["--settle", f"{self.limits.settle:g}"]
        command = [str(DRIVER), self.point.at, str(self._reached), str(self._go), *words, *self.inventory]
        with (self.directory / "stdout").open("wb") as out, (self.directory / "stderr").open("wb") as err:
            self.controller = subprocess.Popen(
                [*ENDS_WITH_US, sys.executable, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def reached(self) -> bool:
        """Wait for the point; return whether the run got there."""
        deadline = time.monotonic() + REACH_SECONDS
        while not self._reached.exists() and self.running and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._reached.exists() and self.point.state:
            self.go()
            while transaction_state(self.lab.name) != self.point.state and self.running and time.monotonic() < deadline:
                time.sleep(0.01)
            return transaction_state(self.lab.name) == self.point.state
        return self._reached.exists()

    def go(self) -> None:
        """Let the run go on."""
        self._go.touch()

    @property
    def running(self) -> bool:
        """Whether the controller has not ended yet."""
        return self.controller is not None and self.controller.poll() is None

    @property
    def ran(self) -> Ran:
        """How the controller ended: -9 where it was killed."""
        assert self.controller is not None
        code = self.controller.wait(timeout=1)
        return Ran(code, (self.directory / "stdout").read_text(), (self.directory / "stderr").read_text())

    def kill(self) -> None:
        """Kill the controller, with no time to say anything."""
        if self.controller and self.running:
            self.controller.kill()
            self.controller.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send the controller a signal, and wait until it has heard it."""
        assert self.controller is not None
        heard = self.stops()
        os.kill(self.controller.pid, number)
        deadline = time.monotonic() + 5
        while self.stops() == heard and time.monotonic() < deadline:
            time.sleep(0.02)

    def stops(self) -> int:
        """Return how many wishes to stop the journal has."""
        return sum(line["event"] == "stop" for journal in journals.read(self.runs) for line in journal.lines)

    def fleet(self, *words: str) -> Ran:
        """Run another command line on this inventory to its end."""
        command = [sys.executable, str(PROJECT / "main.py"), *words, *self.inventory]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def finish(self) -> None:
        """Do what an operator does after an interrupted run."""
        self.finished = self.fleet("finish", "--host", self.lab.name, "--yes", "--json", "--settle", "0")

    @property
    def _reached(self) -> Path:
        return self.directory / "reached"

    @property
    def _go(self) -> Path:
        return self.directory / "go"
