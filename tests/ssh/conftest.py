"""Twenty healthy nodes and one of each kind that misbehaves, as one inventory; and the command line run on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ssh import servers
from tests.ssh.servers import LOOPBACK, Keys

PROJECT = Path(__file__).resolve().parents[2]
HEALTHY = tuple(f"healthy-{number}" for number in range(1, 21))
BEHIND = tuple(f"behind-{number}" for number in range(1, 4))
BEHIND_SILENCE = tuple(f"behind-silence-{number}" for number in range(1, 13))
USER = os.environ.get("USER") or "root"


@dataclass(frozen=True)
class Ran:
    """How a command ended: its seconds, and the most memory that it had, in MB."""

    exit: int
    stdout: str
    stderr: str
    seconds: float
    peak: float

    @property
    def nodes(self) -> Mapping[str, Any]:
        """What it said of each node."""
        found: Mapping[str, Any] = json.loads(self.stdout)["nodes"]
        return found


@dataclass(frozen=True)
class Fleet:
    """An inventory of SSH servers on loopback."""

    inventory: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command on it."""
        command = [sys.executable, str(PROJECT / "main.py"), *words, "--json", "--inventory", str(self.inventory)]
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, **out)  # type: ignore[call-overload,no-any-return]

    def run(self, *words: str) -> Ran:
        """Run a command on it to its end."""
        began = time.monotonic()
        process = self.start(*words)
        assert process.stdout
        assert process.stderr
        stdout, stderr = process.stdout.read(), process.stderr.read()  # stderr's few lines wait in the pipe meanwhile
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Ran(process.returncode, stdout, stderr, time.monotonic() - began, usage.ru_maxrss / 1024)

    def interrupted(self, *words: str, times: int, after: float) -> Ran:
        """Run a command, and press Ctrl-C so many times, a second apart, once ``after`` seconds have passed."""
        began = time.monotonic()
        process = self.start(*words)
        time.sleep(after)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(1)
        stdout, stderr = process.communicate(timeout=60)
        return Ran(process.returncode, stdout, stderr, time.monotonic() - began, 0)


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The fleet. Skips where this machine has no sshd of OpenSSH's."""
    if servers.SSHD is None:
        pytest.skip("no sshd on this machine: install openssh-server")
    directory = tmp_path_factory.mktemp("ssh")
    keys = Keys.make(directory)
    addresses = [f"127.0.1.{number}" for number in range(1, len(HEALTHY) + 1)]
    half = len(HEALTHY) // 2  # one sshd listens on 16 addresses at most
    with ExitStack() as stack:
        enter = stack.enter_context
        healthy = enter(servers.sshd(keys, addresses=[LOOPBACK, *addresses[:half]]))
        ports = [healthy] * half + [enter(servers.sshd(keys, addresses=addresses[half:]))] * half
        hosts = dict(zip(HEALTHY, zip(addresses, ports, strict=True), strict=True))
        bad = {
            "floods": enter(servers.sshd(keys, "ForceCommand yes")),
            "floods-stderr": enter(servers.sshd(keys, "ForceCommand yes >&2")),
            "hangs": enter(servers.sshd(keys, "ForceCommand sleep 1000")),
            "no-forwarding": enter(servers.sshd(keys, "AllowTcpForwarding no")),
            "silent": enter(servers.accepting(servers.silent)),
            "drips": enter(servers.accepting(servers.dripping)),
            "deaf": enter(servers.accepting(servers.deaf(keys))),
            "breaks-off": enter(servers.accepting(servers.breaking_off(healthy, 3000))),
        }
        hosts |= {name: (LOOPBACK, port) for name, port in bad.items()}
        jumps = dict.fromkeys(BEHIND, healthy) | dict.fromkeys(BEHIND_SILENCE, enter(servers.accepting(servers.silent)))
        inside = [f"127.0.2.{number}" for number in range(1, len(jumps) + 1)]
        port = enter(servers.sshd(keys, addresses=inside))
        hosts |= {name: (address, port) for name, address in zip(jumps, inside, strict=True)}
        yield Fleet(_write(directory / "inventory", keys, hosts, jumps))


def _write(directory: Path, keys: Keys, hosts: Mapping[str, tuple[str, int]], jumps: Mapping[str, int]) -> Path:
    """Write an inventory of ``hosts``, those in ``jumps`` behind a bastion on that port, and return its directory."""
    known = {f"[{address}]:{port}" for address, port in hosts.values()} | {
        f"[{LOOPBACK}]:{it}" for it in jumps.values()
    }
    known_hosts = keys.directory / "known_hosts"
    known_hosts.write_text("".join(f"{name} {keys.host_key}\n" for name in sorted(known)))
    extras = {"key_file": str(keys.directory / "key"), "known_hosts": str(known_hosts)}

    def entry(name: str) -> dict[str, Any]:
        address, port = hosts[name]
        found: dict[str, Any] = {"hostname": address, "port": port, "groups": ["containerd-1.7"]}
        if name in jumps:
            jump = extras | {"jump": f"{USER}@{LOOPBACK}:{jumps[name]}"}
            found["connection_options"] = {"netmiko": {"extras": jump}}
        return found

    defaults = {
        "username": USER,
        "connection_options": {"netmiko": {"platform": "linux", "extras": extras}},
        "data": {
            "runs": "runs",
            "registries": {"ghcr.io": {"upstream": "https://ghcr.io", "port": 5010, "container": "registry-ghcr"}},
        },
    }
    cache_host = {"hostname": "127.0.3.1", "port": 9, "groups": ["caches"]}
    texts: Mapping[str, Mapping[str, Any]] = {
        "hosts": {"registry-vm": cache_host} | {name: entry(name) for name in hosts},
        "groups": {"containerd-1.7": {"data": {"strategy": "config_path"}}, "caches": {}},
        "defaults": defaults,
    }
    directory.mkdir()
    for name, content in texts.items():
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(dict(content), sort_keys=False))
    return directory
