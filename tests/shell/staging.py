"""What a caller sends to `fleet-node prepare`, and the transaction that comes of it."""

from __future__ import annotations

import base64
import hashlib
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.shell.node import MARKER, Answer, ScriptedNode

RUN = "20260101T000000Z-0001"
VERSION = "containerd github.com/containerd/containerd 1.7.24 abc"
NEW_CONFIG = "version = 2\n# new\n"
STEPS = ("arm", "swap-hosts", "swap-config", "restart", "verify")
HOSTS = 'server = "x"\n'


def sum_of(text: str | None) -> str:
    return "absent" if text is None else hashlib.sha256(text.encode()).hexdigest()


class Applying:
    """An apply that waits for its next go-ahead."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def send(self, step: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"go {step}\n")
        self._process.stdin.flush()

    def go(self, step: str) -> None:
        """Let it do the step, and wait until it has."""
        self.send(step)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line == f"@{MARKER} done {step}\n":
                return
        raise AssertionError("it ended")

    def end(self) -> tuple[int, str]:
        _, stderr = self._process.communicate(timeout=30)
        return self._process.returncode, stderr


@dataclass
class Change:
    """A run's files on a node: what is there, and what is to be."""

    node: ScriptedNode
    run: str = RUN
    files: list[tuple[str, str, str | None, str]] = field(default_factory=list)
    sandbox: bool = False

    @classmethod
    def usual(cls, node: ScriptedNode) -> Change:
        """A new hosts.toml in a directory that is missing, one that is replaced, and config.toml."""
        old = node.write("etc/containerd/certs.d/quay.io/hosts.toml", "old\n")
        new = node.root / "etc/containerd/certs.d/ghcr.io/hosts.toml"
        files: list[tuple[str, str, str | None, str]] = [
            ("hosts", str(new), None, HOSTS),
            ("hosts", str(old), "old\n", HOSTS),
            ("config", str(node.config), node.config.read_text(), NEW_CONFIG),
        ]
        return cls(node, files=files)

    @property
    def stdin(self) -> str:
        recorded = {
            "binary": str(self.node.bin / "containerd"),
            "version": VERSION,
            "ctr": str(self.node.bin / "ctr"),
            "socket": "/run/containerd/containerd.sock",
            "config": str(self.node.config),
            "state_directory": str(self.node.root / "run/containerd"),
            "plugins": "io.containerd.grpc.v1/cri",
            "kubelet": "",
            "crictl": "",
        }
        planned = (f"{kind}\t{sum_of(before)}\t{sum_of(after)}\t{path}\n" for kind, path, before, after in self.files)
        values = {
            "owner": "owner='ann@there'\nsince=2026\n",
            "facts": "".join(f"{name}={shlex.quote(value)}\n" for name, value in recorded.items()),
            "planned": "".join(planned),
            "revert.service": f"[Service]\nExecStart=/bin/sh {self.node.base}/{self.run}/rollback --boot\n",
            "covers": "/run\n",
            "needed": "",
            **{f"after/{number}": after for number, (*_, after) in enumerate(self.files, start=1)},
        }
        lines = (f"={base64.b64encode(value.encode()).decode()} {name}\n" for name, value in values.items())
        return "".join(lines) + ".\n"

    def prepare(self) -> Answer:
        options = ("--run", self.run, "--owned", "100", "--keep-runs", "5", "--keep-days", "30")
        sandbox = ("--sandbox", "5") if self.sandbox else ()
        return self.node.run("prepare", *options, *sandbox, stdin=self.stdin)

    def apply(self, *steps: str, options: tuple[str, ...] = ()) -> Answer:
        """Apply it with a go-ahead for each of these steps, and then the end of input."""
        times = ("--revert-after", "60", "--restart-within", "5", "--verify-within", "5", "--silence", "5")
        lines = "".join(f"go {step}\n" for step in steps or STEPS)
        return self.node.run("apply", "--run", self.run, *times, *options, stdin=lines)

    def start_applying(self) -> Applying:
        """The same with the go-aheads one by one."""
        times = ("--revert-after", "60", "--restart-within", "5", "--verify-within", "5", "--silence", "5")
        return Applying(self.node.command("apply", "--run", self.run, *times, "--marker", MARKER))

    def confirm(self, *steps: str) -> Answer:
        lines = "".join(f"go {step}\n" for step in steps or ("verify-again", "disarm"))
        return self.node.run("confirm", "--run", self.run, "--within", "5", "--silence", "5", stdin=lines)

    @property
    def live(self) -> dict[str, str | None]:
        """What is live now, by path."""
        return {path: read(path) for _, path, *_ in self.files}

    @property
    def old(self) -> dict[str, str | None]:
        return {path: before for _, path, before, _ in self.files}

    @property
    def new(self) -> dict[str, str | None]:
        return {path: after for _, path, _, after in self.files}

    @property
    def state(self) -> str:
        return (read(str(self.node.base / self.run / "state")) or "none").strip()

    @property
    def leftovers(self) -> list[str]:
        """Whatever of the run lies outside of its directory."""
        found = [str(path) for path in self.node.root.rglob("*containerd-fleet-*")]
        return [path for path in found if not path.startswith(str(self.node.base))]


def read(path: str) -> str | None:
    return Path(path).read_text() if Path(path).exists() else None
