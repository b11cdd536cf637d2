"""When what is done, and that what does it is shell."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caches.advice import advice, host_advice
from caches.present import HostFacts
from caches.spec import Credentials
from caches.upkeep import DAYS, Script, Upkeep, jobs
from tasks.caches.files import CRON, SCRIPTS, upkeep_files
from templates import render_cron, source
from tests.unit.caches.samples import spec

FIVE = ("registry", "registry-ghcr", "registry-quay", "registry-k8s", "registry-kyverno")
SHELL = ("caches.sh", "cache-gc.sh", "cache-restart.sh", "cache-guard.sh")


def test_the_cron_file() -> None:
    text = render_cron(jobs(FIVE, Upkeep()), SCRIPTS)
    lines = [line for line in text.splitlines() if line[:1].isdigit() or line.startswith("*")]
    assert lines[0] == f"0 1 * * 0 root {SCRIPTS}/cache-gc registry >/dev/null 2>&1"
    assert lines[4] == f"0 3 * * 0 root {SCRIPTS}/cache-gc registry-kyverno >/dev/null 2>&1"
    assert lines[5] == f"5 * * * * root {SCRIPTS}/cache-restart registry >/dev/null 2>&1"
    assert lines[9] == f"9 * * * * root {SCRIPTS}/cache-restart registry-kyverno >/dev/null 2>&1"
    assert lines[10] == f"* * * * * root {SCRIPTS}/cache-guard >/dev/null 2>&1"
    assert len(lines) == 11
    assert text.endswith("\n")


def test_what_is_switched_off() -> None:
    assert [job.script for job in jobs(FIVE, Upkeep(gc_day=None, restart_hours=None))] == [Script.GUARD]
    assert [jobs(("a",), Upkeep(restart_hours=hours))[1].when for hours in (6, 24)] == ["5 */6 * * *", "5 0 * * *"]


@given(number=st.integers(1, 55), day=st.sampled_from(DAYS), hour=st.integers(0, 23), apart=st.integers(5, 60))
def test_no_two_at_once(number: int, day: str, hour: int, apart: int) -> None:
    listed = jobs([f"c{n}" for n in range(number)], Upkeep(gc_day=day, gc_hour=hour, gc_apart=apart))
    for script in (Script.GC, Script.RESTART):
        times = Counter(job.when for job in listed if job.script == script)
        assert len(times) == number
    for job in listed:
        assert re.fullmatch(r"(\d+|\*) (\d+|\*) \* \* ([0-6]|\*)", job.when)


def test_names_that_cron_reads() -> None:
    """cron passes over files in cron.d whose names have a dot."""
    files = {file.path: file for file in upkeep_files(FIVE, Upkeep())}
    assert "." not in Path(CRON).name
    assert files[CRON].mode == "0644"
    assert files[f"{SCRIPTS}/cache-gc"].mode == "0755"


@pytest.mark.parametrize("name", SHELL)
def test_the_scripts_are_ones_that_a_posix_shell_accepts(name: str) -> None:
    assert subprocess.run(["sh", "-n"], input=source(f"caches/{name}"), text=True, check=False).returncode == 0


def test_what_follows_from_settings() -> None:
    odd = spec(credentials=Credentials("bot", "pw"), blobdescriptor=True, ttl="1h")
    assert [it.code for it in advice([odd])] == [
        "shared-credentials",
        "login-by-token-only",
        "blobdescriptor",
        "ttl-ignored",
    ]
    assert not advice([spec()])
    assert all("pw" not in str(it) for it in advice([odd]))
    assert [it.code for it in host_advice(HostFacts("26", cron=False, memory_limits=False))] == [
        "no-cron",
        "no-memory-limits",
    ]


def test_a_host_without_docker() -> None:
    for installed, fix in ((True, "systemctl start docker there"), (False, "caches deploy --install-docker")):
        [finding] = host_advice(HostFacts("", installed=installed))
        assert (finding.code, finding.fix.removeprefix("python main.py ")) == ("no-docker", fix)


SAID = "docker: Error response from daemon: driver failed: address already in use.\nSee 'docker run --help'.\n\n"
STARTED = "Error response from daemon: driver failed: address already in use.\nError: failed to start containers: x\n"


@pytest.mark.parametrize("said", [SAID, STARTED])
def test_the_reason_is_what_is_kept_of_dockers_words(said: str) -> None:
    library = source("caches/caches.sh")
    body = library[library.index("reason() {") :]
    script = body[: body.index("\n}\n") + 3] + "\nreason"
    done = subprocess.run(["sh", "-c", script], input=said, text=True, check=True, capture_output=True)
    assert done.stdout.rstrip(".\n").endswith("driver failed: address already in use")


def whole(tmp_path: Path, content: bytes) -> bool:
    """Ask the scripts' own function, which must not need any JSON parser of the cache host."""
    library = source("caches/caches.sh")
    body = library[library.index("whole() {") :]
    state = tmp_path / "scheduler-state.json"
    state.write_bytes(content)
    script = body[: body.index("\n}\n") + 3] + '\nwhole "$1"'
    return subprocess.run(["sh", "-c", script, "sh", str(state)], check=False, capture_output=True).returncode == 0


ENTRY = b'{"some/image@sha256:0a":{"Key":"some/image@sha256:0a","ExpiryData":"2026-12-01T00:00:00Z","EntryType":0}}'


@pytest.mark.parametrize(
    "content", [b"{}", b"{}\n", b"null", b" null\n", ENTRY, ENTRY + b" \r\n", ENTRY[:-1] + b"," + ENTRY[1:]]
)
def test_a_state_that_boots(tmp_path: Path, content: bytes) -> None:
    assert whole(tmp_path, content)


@pytest.mark.parametrize("cut", range(len(ENTRY)))
def test_a_state_that_was_cut_short(tmp_path: Path, cut: int) -> None:
    assert not whole(tmp_path, ENTRY[:cut])


@pytest.mark.parametrize(
    "content", [b"[]", b'{"a":}', b'{"a":1,}', b"{,}", b" ", ENTRY + b"\0\0", b"\0" * 100, ENTRY + ENTRY[:20], b"x{}"]
)
def test_a_state_that_is_no_object(tmp_path: Path, content: bytes) -> None:
    assert not whole(tmp_path, content)
