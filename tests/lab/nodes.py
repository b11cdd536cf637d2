"""What lab tests ask of nodes and of the command line."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containerd.model import parse_version, release_of
from lab import machine

PROJECT = Path(__file__).parents[2]
PROGRAM = shlex.join([sys.executable, str(PROJECT / "main.py")])
SHIPPED = PROJECT / "inventory"
CONFIG = "/etc/containerd/config.toml"
MIRROR = "http://198.18.20.10"
REGISTRIES = {
    "docker.io": ("https://registry-1.docker.io", 5000),
    "ghcr.io": ("https://ghcr.io", 5010),
    "quay.io": ("https://quay.io", 5020),
    "registry.k8s.io": ("https://registry.k8s.io", 5030),
    "reg.kyverno.io": ("https://reg.kyverno.io", 5040),
}


@dataclass(frozen=True)
class LabNode:
    """One node, reached without SSH."""

    name: str

    def sh(self, command: str, stdin: str = "") -> str:
        """Run a command that must succeed and return what it prints."""
        return self.feed(command, stdin.encode())

    def feed(self, command: str, stdin: bytes) -> str:
        """The same, with bytes for it to read."""
        done = machine.run(self.name, command, stdin=stdin)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stderr.decode()}"
        return done.stdout.decode()

    def read(self, path: str) -> str:
        return self.sh(f"cat {shlex.quote(path)}")

    def write(self, path: str, text: str) -> None:
        self.sh(f"mkdir -p $(dirname {path}) && cat >{path}", text)

    def restart(self) -> None:
        self.sh("systemctl restart containerd")
        assert self.cri == "ok"

    def snapshot(self) -> str:
        """Everything below /etc/containerd: names, kinds, modes, owners and contents."""
        listing = "find . -printf '%p %y %m %U %G %l\\n' | sort"
        return self.sh(f"cd /etc/containerd && {listing} && find . -type f | sort | xargs sha256sum")

    @property
    def config(self) -> str:
        return self.read(CONFIG)

    @property
    def pid(self) -> str:
        return self.sh("systemctl show containerd -p MainPID --value").strip()

    @property
    def cri(self) -> str:
        rows = [line.split() for line in self.sh("ctr plugins ls 2>/dev/null").splitlines()]
        states = {f"{row[0]}/{row[1]}": row[3] for row in rows if len(row) == 4}
        wanted = ["io.containerd.grpc.v1/cri"]
        if "io.containerd.cri.v1/images" in states:
            wanted += ["io.containerd.cri.v1/images", "io.containerd.cri.v1/runtime"]
        return "ok" if all(states.get(plugin) == "ok" for plugin in wanted) else str(states)

    @property
    def dials(self) -> bool:
        """Whether its containerd reads `dial_timeout`."""
        return release_of(parse_version(self.sh("containerd --version"))).hosts.dial_timeout

    def transactions(self) -> list[str]:
        found = self.sh("ls /var/lib/containerd-fleet 2>/dev/null || true").split()
        return [name for name in found if name not in ("current", "lock")]


@dataclass(frozen=True)
class Ran:
    """One finished command line."""

    exit: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.stdout)
        assert parsed["exit"] == self.exit
        return parsed

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: node["outcome"] for name, node in self.json["nodes"].items()}

    def reason(self, name: str) -> str:
        reason: str = self.json["nodes"][name]["reason"]
        assert "\n" not in reason
        assert "Traceback" not in self.stdout + self.stderr
        return reason


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that comes to pass by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.2)


def fleet(*words: str, project: Path = PROJECT) -> Ran:
    """Run ``python main.py`` with these words, without a terminal."""
    command = [sys.executable, str(project / "main.py"), *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=240)
    return Ran(done.returncode, done.stdout, done.stderr)


def rollout(*words: str, gate: bool = False) -> Ran:
    """A rollout in which the caches play no part, unless they are asked to."""
    return fleet("rollout", "--yes", "--json", "--settle", "0", *_without(gate), *words)


def canary(host: str, *words: str, gate: bool = False) -> Ran:
    return fleet("canary", "--host", host, "--yes", "--json", "--settle", "0", *_without(gate), *words)


def _without(gate: bool) -> tuple[str, ...]:
    return () if gate else ("--without-gate",)


def rollback(*words: str) -> Ran:
    return fleet("rollback", "--yes", "--json", *words)


@dataclass(frozen=True)
class Inventory:
    """A set of inventory files that a test changes."""

    directory: Path

    @classmethod
    def copy(cls, directory: Path) -> Inventory:
        shutil.copytree(SHIPPED, directory)
        return cls(directory)

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.directory / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def hurry(self) -> tuple[str, str]:
        """Have transactions give up within seconds, and return the option."""
        short = "transaction: {revert_after: 20, restart_within: 4, verify_within: 3}"
        self.replace("defaults.yaml", "data:\n", f"data:\n  {short}\n")
        return self.option

    @property
    def option(self) -> tuple[str, str]:
        return ("--inventory", str(self.directory))


def hosts_toml(registry: str, *, dials: bool = False) -> str:
    """The exact file that a node gets for one registry; `dials`: its containerd reads `dial_timeout`."""
    server, port = REGISTRIES[registry]
    text = f'server = "{server}"\n\n[host."{MIRROR}:{port}"]\n  capabilities = ["pull", "resolve"]\n'
    return text + '  dial_timeout = "5s"\n' * dials
