"""One node: start it, end it, and reach into it without SSH."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from lab import cgroups, image, network, roots, servers
from lab.errors import LabError
from lab.paths import FILES, LOGS, NODES, PREFIX, machine
from lab.process import Process, every_pid, kill_all, start_time
from lab.topology import Node

ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
    "CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1",
)
CONFINED = (
    *("setsid", "--fork", "unshare", "--pid", "--fork", "--kill-child"),
    *("--mount", "--propagation", "slave", "--mount-proc"),
)


def start(node: Node) -> Process:
    """Boot a machine on a fresh overlay, with a fresh network namespace, and return the process that keeps it running.

    Does not wait for the node to answer. Raises LabError when it cannot be started; `stop` clears what was begun.
    """
    directory = NODES / node.name
    stores = ("containerd",) if node.generation else ("containerd", "docker")
    for part in ("upper", "work", "merged", *stores):
        (directory / part).mkdir(parents=True)
        (directory / part).chmod(0o755)
    image.write_own_files(node, directory / "upper")
    if node.generation is None:
        servers.write_own_files(node, directory / "upper")
    network.attach(node)
    lower = f"{image.layer(node.root)}:{roots.path(node.root)}"
    groups = cgroups.create(node.name)
    script = ["sh", str(FILES / "node.sh"), machine(node.name), node.name, lower, str(directory), *map(str, groups)]
    LOGS.mkdir(exist_ok=True)
    with log_file(node.name).open("w") as log:
        subprocess.run(
            [*CONFINED, *script],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
            cwd="/",
        )
    return _supervisor(node.name, directory / "started")


def stop(node: Node) -> None:
    """End a node at once, as a power cut does, and remove all that it had but its host key.

    Raises LabError when a process of it does not end.
    """
    kill(node.name)
    network.detach(node)
    cgroups.remove(node.name)
    with suppress(FileNotFoundError):
        shutil.rmtree(NODES / node.name)


def kill(name: str | None = None) -> None:
    """Kill every process of a node, or of the whole lab whoever started it.

    Raises LabError when one does not end.
    """
    kill_all(lambda: pids(name))


def pids(name: str | None = None) -> set[int]:
    """Return the processes of a node, or of the whole lab: in its control groups, in its networks, and its nspawn."""
    processes = every_pid()
    machines = {pid for pid in processes if _runs_machine(pid, name)}
    return machines | cgroups.pids(name) | network.pids(processes, name)


def run(name: str, command: str, stdin: bytes | None = None, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    """Run a shell command as root INSIDE a node, without SSH, and return its status and output.

    Raises LabError when the node does not run, and subprocess.TimeoutExpired.
    """
    namespaces = ["nsenter", f"--target={_leader(name)}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
    inside = ["env", "-i", *ENVIRONMENT, "/bin/sh", "-c", command]
    return subprocess.run([*namespaces, *inside], input=stdin or b"", capture_output=True, check=False, timeout=timeout)


def root(name: str) -> Path:
    """Return where this machine sees the whole file system of a node, its mounts included, until its next boot.

    Raises LabError when the node does not run. Absolute links in it lead astray.
    """
    return Path(f"/proc/{_leader(name)}/root")


def power_cut(name: str) -> None:
    """Kill every process of a node at once, without a word; it boots again on the files that it had.

    What it had written survives even where it was not synced: the file system is this machine's.
    Raises LabError when the node does not run.
    """
    leader = _leader(name)
    (NODES / name / "again").touch()
    os.kill(leader, signal.SIGKILL)


def log_file(name: str) -> Path:
    """Return the file with a node's console and what its supervisor said."""
    return LOGS / f"{name}.log"


def _leader(name: str) -> int:
    leader = cgroups.leader(name)
    if leader is None:
        raise LabError(f"{name} does not run")
    return leader


def _supervisor(name: str, file: Path, within: float = 20) -> Process:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        pid = cgroups.supervisor(name) if file.exists() else None
        started = start_time(pid) if pid else None
        if pid and started:
            return Process(pid, started)
        time.sleep(0.005)
    last = (log_file(name).read_text(errors="replace").strip().splitlines() or ["nothing in its log"])[-1]
    raise LabError(f"{name} did not start: {last} (see {log_file(name)})")


def _runs_machine(pid: int, name: str | None) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return False
    if not any(word.endswith(("systemd-nspawn", "lab/files/node.sh")) for word in words):
        return False
    machines = {word.removeprefix("--machine=") for word in words}
    return machine(name) in machines if name else any(word.startswith(f"{PREFIX}-") for word in machines)
