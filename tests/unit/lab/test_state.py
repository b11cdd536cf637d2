from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab import process, state
from lab.errors import LabError
from lab.process import Process
from lab.state import Record


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(state, "HOME", tmp_path)
    monkeypatch.setattr(state, "RECORD", tmp_path / "lab.json")
    monkeypatch.setattr(state, "LOCK", tmp_path / "lock")
    return tmp_path


def myself() -> Process:
    started = process.start_time(os.getpid())
    assert started is not None
    return Process(os.getpid(), started)


def record(supervisor: Process, boot: str | None = None) -> Record:
    return Record("/some/checkout", 3, boot or state.boot_id(), {"worker-1": supervisor})


def test_a_record_survives_being_written(home: Path) -> None:
    state.write(record(myself()))
    assert state.read() == record(myself())
    assert [file.name for file in home.iterdir()] == ["lab.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"owner": "/x"}', '{"owner": 1, "nodes": []}'])
def test_half_a_record_is_none(text: str) -> None:
    assert state.parse(text) is None


def test_without_a_record_nothing_is_up(home: Path) -> None:
    assert not (home / "lab.json").exists()
    assert not state.is_up()


def test_a_live_process_is_up(home: Path) -> None:
    assert home.is_dir()
    state.write(record(myself()))
    assert state.is_up()
    assert state.is_up("worker-1")
    assert not state.is_up("worker-2")


def test_a_reused_process_id_is_stale(home: Path) -> None:
    assert home.is_dir()
    state.write(record(Process(myself().pid, myself().started - 1)))
    assert not state.is_up("worker-1")


def test_a_record_of_an_earlier_boot_is_stale(home: Path) -> None:
    assert home.is_dir()
    state.write(record(myself(), boot="another"))
    assert not state.is_up()


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.start_time(child.pid) is None
    child.wait()


def test_everything_found_is_killed() -> None:
    children = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    process.kill_all(lambda: {child.pid for child in children})
    assert [child.wait() for child in children] == [-9, -9]


def test_what_does_not_end_is_named() -> None:
    child = subprocess.Popen(["sleep", "60"])
    with pytest.raises(LabError, match=f"processes that do not end: {child.pid}"):
        process.kill_all(lambda: {child.pid}, within=-1)
    child.kill()
    child.wait()


def test_a_second_command_is_told_who_holds_the_lab(home: Path) -> None:
    assert home.is_dir()
    with (
        state.lock(),
        pytest.raises(LabError, match=f"still at work: process {os.getpid()} of /"),
        state.lock(within=0),
    ):
        pass
    with state.lock(within=0):
        pass


@pytest.mark.parametrize(
    ("capabilities", "able"), [("000001ffffffffff", True), ("00000000a80425fb", False), ("0000000000001000", False)]
)
def test_a_containers_root_may_lack_what_the_lab_needs(capabilities: str, able: bool) -> None:
    assert state._may_administer(f"Name:\tx\nCapEff:\t{capabilities}\n") is able


def test_why_a_lab_cannot_run_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert str(state.why_not()).startswith("the lab needs root")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert state.why_not() == "the lab needs Linux, and this is Darwin"
    with pytest.raises(LabError, match="needs Linux"):
        state.require_able()
