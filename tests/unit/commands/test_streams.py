"""Streams that are closed, full or not read any more: the exit code stays that of the command, without a traceback."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
FILES = {
    "hosts": """\
        registry-vm: {hostname: 127.0.0.9, port: 9, groups: [caches]}
        worker-1: {hostname: 127.0.0.8, port: 9, groups: [containerd-1.7]}
        """,
    "groups": """\
        caches: {}
        containerd-1.7: {data: {strategy: config_path}}
        """,
    "defaults": """\
        username: root
        data:
          runs: runs
          registries: {ghcr.io: {upstream: https://ghcr.io, port: 5010, container: registry-ghcr}}
        """,
}
COMMANDS = {
    "inventory check": 0,
    "status": 4,
    "status --json": 4,
    "rollout --all": 4,
    "rollout --help": 0,
    "": 2,
    "status --no-such-option": 2,
    "status --no-such-option --json": 2,
}
STREAMS = (
    "<&-",
    ">&-",
    "2>&-",
    "<&- >&- 2>&-",
    ">/dev/full",
    "2>/dev/full",
    ">/dev/full 2>&1",
    "| true",
    "2>&1 | true",
)
LOST = "the result could not be written to stdout: No space left on device; the exit code is that of the command"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nodes that nothing answers for."""
    directory = tmp_path_factory.mktemp("inventory")
    for name, content in FILES.items():
        (directory / f"{name}.yaml").write_text(content)
    return directory


def run(words: str, streams: str, inventory: Path, *, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command with such streams, and print its exit code last."""
    command = shlex.join([sys.executable, str(PROJECT / "main.py"), *words.split()])
    environment = f"PYTHONUNBUFFERED={unbuffered} CONTAINERD_FLEET_INVENTORY={shlex.quote(str(inventory))}"
    script = f"exec 9>&1; {environment} {command} {streams}; echo ${{PIPESTATUS[0]}} >&9"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize(("words", "code"), COMMANDS.items())
def test_the_exit_code_is_that_of_the_command(inventory: Path, words: str, code: int, streams: str) -> None:
    ran = run(words, streams, inventory)
    assert ran.stdout.splitlines()[-1] == str(code)
    for word in ("Traceback", "internal error", "Exception ignored"):
        assert word not in ran.stdout + ran.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_result_that_is_lost_to_a_full_disk_is_one_line(inventory: Path, unbuffered: str) -> None:
    ran = run("inventory check", ">/dev/full", inventory, unbuffered=unbuffered)
    assert ran.stderr == f"{LOST}\n"


def test_a_reader_that_has_read_enough_is_no_mistake(inventory: Path) -> None:
    ran = run("status --json", "| head -1", inventory)
    assert ran.stdout == "{\n4\n"
    assert LOST not in ran.stderr


def test_a_closed_stream_gives_its_number_to_nothing_else() -> None:
    """A connection would get the number of stdout, and what a child process prints would go to a node."""
    code = (
        "import os; from fleet.streams import open_streams; open_streams();"
        "print(*(os.readlink(f'/proc/self/fd/{n}') for n in range(3)), file=open('/proc/self/fd/9', 'w'))"
    )
    script = f"exec 9>&1; cd {PROJECT}; {sys.executable} -c {shlex.quote(code)} <&- >&- 2>&-"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "/dev/null /dev/null /dev/null\n"
