"""The journal: one line each, on disk before the step, whoever may read it, and what stops nothing."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nornir.core import Nornir
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.task import Result, Task

from common import mask
from containerd.decide import NodePlan
from containerd.decide.plan import PlannedFile
from containerd.model import checksum
from fleet.errors import NotRecorded, UsageError
from fleet.journal import Journal, JournalProcessor
from fleet.journal_file import JournalFile
from fleet.runner import FleetRunner
from fleet.runs import read
from fleet.stop import Stop

RUN = "20260214T031502Z-1f3a"
PROJECT = Path(__file__).resolve().parents[3]


def told(path: Path) -> list[dict[str, Any]]:
    """The lines of the journal, every one of them whole, without their times."""
    text = path.read_bytes()
    assert text.endswith(b"\n")
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        at = line.pop("at")
        assert len(at) == len("2026-11-24T10:07:20.123Z")
        assert at.endswith("Z")
    return lines


def test_the_lines_are_the_format(tmp_path: Path) -> None:
    file = PlannedFile("config", "/etc/containerd/config.toml", "old", "new")
    new = PlannedFile("hosts", "/etc/containerd/certs.d/ghcr.io/hosts.toml", None, "text")
    plan = SimpleNamespace(
        facts=SimpleNamespace(daemon=SimpleNamespace(version=SimpleNamespace(text="1.7.24~ds1"))),
        decision=SimpleNamespace(strategy=SimpleNamespace(value="config_path")),
        reason="because",
        restart=True,
        files=(file, new),
    )
    with Journal(tmp_path / "deep" / "runs", RUN) as journal:
        journal.began(["rollout", "--group", "workers"], "op@host", {"containerd-fleet": "0.1.0"})
        journal.planned("worker-2", cast(NodePlan, plan))
        journal.begin("worker-2", "swap config.toml")
        journal.end("worker-2", "swap config.toml", True, 0.12345)
        journal.end("worker-2", "verify", False, 1, "CRI is\n error")
        journal.stopping(urgent=False)
        journal.outcome("worker-2", "migrated", "all well")
        journal.finished(0)
    assert told(journal.path) == [
        {
            "event": "run",
            "run": RUN,
            "user": "op@host",
            "pid": os.getpid(),
            "command": ["rollout", "--group", "workers"],
            "versions": {"containerd-fleet": "0.1.0"},
        },
        {
            "event": "plan",
            "node": "worker-2",
            "containerd": "1.7.24~ds1",
            "strategy": "config_path",
            "reason": "because",
            "restart": True,
            "files": [
                {"path": file.path, "kind": "config", "before": checksum("old"), "after": checksum("new")},
                {"path": new.path, "kind": "hosts", "before": "absent", "after": checksum("text")},
            ],
        },
        {"event": "begin", "node": "worker-2", "step": "swap config.toml"},
        {"event": "end", "node": "worker-2", "step": "swap config.toml", "ok": True, "seconds": 0.123},
        {"event": "end", "node": "worker-2", "step": "verify", "ok": False, "seconds": 1, "reason": "CRI is error"},
        {"event": "stop", "urgent": False},
        {"event": "node", "node": "worker-2", "outcome": "migrated", "reason": "all well"},
        {"event": "finish", "exit": 0},
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1, max_size=4))
def test_any_text_is_one_line_and_comes_back(texts: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory() as folder, Journal(Path(folder), RUN, pytest.fail) as journal:
        for node, step, reason in texts:
            journal.end(node, step, False, 0, reason)
        assert journal.path.read_bytes().count(b"\n") == len(texts)
        assert [(line["node"], line["step"], line["reason"]) for line in told(journal.path)] == [
            (node, step, " ".join(mask(reason).split())) for node, step, reason in texts
        ]


@pytest.mark.parametrize(
    "reason",
    [
        'toml: line 3: password = "hunter2"',
        '[plugins."io.containerd.grpc.v1.cri".registry.configs."x".auth]\nidentitytoken = "hunter2"',
        "pull from http://admin:hunter2@10.0.20.10:5000/v2/ failed",
        "Authorization: Basic hunter2",
        "GET https://ghcr.io/token?code=hunter2: 401",
    ],
)
def test_a_reason_holds_no_secret(tmp_path: Path, reason: str) -> None:
    with Journal(tmp_path, RUN) as journal:
        journal.end("n", "verify", False, 0, reason)
        journal.outcome("n", "failed", reason)
    text = journal.path.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert text.count("****") >= 2


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_reads_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Journal(tmp_path / "runs", RUN) as journal:
            assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
            assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def exists(runs: Path) -> None:
    (runs / RUN).mkdir(parents=True)


def run_is_a_link(runs: Path) -> None:
    runs.mkdir()
    (runs.parent / "elsewhere").mkdir()
    (runs / RUN).symlink_to(runs.parent / "elsewhere")


def run_is_a_dangling_link(runs: Path) -> None:
    runs.mkdir()
    (runs / RUN).symlink_to(runs.parent / "elsewhere")


def runs_is_a_file(runs: Path) -> None:
    runs.write_text("")


def runs_is_a_dangling_link(runs: Path) -> None:
    runs.symlink_to(runs.parent / "nowhere" / "else")


def above_is_a_file(runs: Path) -> None:
    runs.parent.rmdir()
    runs.parent.write_text("")


@pytest.mark.parametrize(
    "obstacle",
    [exists, run_is_a_link, run_is_a_dangling_link, runs_is_a_file, runs_is_a_dangling_link, above_is_a_file],
)
def test_what_is_in_the_way_is_one_line_that_names_the_setting(tmp_path: Path, obstacle: Any) -> None:
    runs = tmp_path / "place" / "runs"
    runs.parent.mkdir()
    obstacle(runs)
    with pytest.raises(UsageError, match=r"^defaults.yaml: data.runs: no journal can be kept in .*; name a directory"):
        Journal(runs, RUN)
    assert not list(tmp_path.rglob("journal.jsonl"))


@pytest.mark.parametrize("place", ["/proc/runs", "/dev/null/runs", "/tmp/a\0b"])  # noqa: S108
def test_a_place_that_takes_nothing_is_one_line(place: str) -> None:
    with pytest.raises(UsageError) as caught:
        Journal(Path(place), RUN)
    assert "\n" not in str(caught.value)


def test_a_runs_directory_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "big")
    with Journal(tmp_path / "runs", RUN) as journal:
        journal.finished(0)
    assert (tmp_path / "big" / RUN / "journal.jsonl").is_file()


class Failing:
    """A journal's file that takes ``lines`` whole lines, then fails until it is mended."""

    def __init__(self, path: Path, lines: int, error: OSError | None = None, *, in_closing: bool = False) -> None:
        self._file = JournalFile(path)
        self.left: float = lines
        self._error = error or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._in_closing = in_closing

    def append(self, line: bytes) -> None:
        if self.left <= 0:
            raise self._error
        self.left -= 1
        self._file.append(line)

    def close(self) -> None:
        self._file.close()
        if self._in_closing:
            raise self._error


class Full:
    """The device that is always full."""

    def __init__(self, _: Path) -> None:
        self._file = os.open("/dev/full", os.O_WRONLY)

    def append(self, line: bytes) -> None:
        os.write(self._file, line)

    def close(self) -> None:
        os.close(self._file)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_once_a_line_cannot_be_written_nothing_new_begins(tmp_path: Path, code: int) -> None:
    said: list[str] = []
    error = OSError(code, os.strerror(code))
    with Journal(tmp_path, RUN, said.append, opened=lambda path: Failing(path, 1, error)) as journal:
        journal.begin("n", "stage")
        assert not journal.broken
        journal.end("n", "stage", True, 0)
        why = f"the journal {journal.path} cannot be written: {os.strerror(code)}"
        for step in ("prove", "arm"):
            with pytest.raises(NotRecorded, match=re.escape(why)):
                journal.begin("n", step)
        assert journal.broken == why
    assert said == [f"{why}; nothing new starts, and nodes in work finish"]


def test_a_disk_that_has_space_again_takes_lines_but_nothing_new_begins(tmp_path: Path) -> None:
    disks: list[Failing] = []

    def opened(path: Path) -> Failing:
        disks.append(Failing(path, 1))
        return disks[0]

    with Journal(tmp_path, RUN, opened=opened) as journal:
        journal.begin("n", "verify")
        journal.end("n", "verify", True, 0)
        disks[0].left = 9
        with pytest.raises(NotRecorded):
            journal.begin("m", "stage")
        journal.outcome("n", "migrated", "CRI ok")
    assert [event["event"] for event in read(journal.path)] == ["begin", "begin", "node"]


def test_what_must_be_done_in_any_case_is_done_without_a_journal(tmp_path: Path) -> None:
    said: list[str] = []
    with Journal(tmp_path, RUN, said.append, needed=False, opened=lambda path: Failing(path, 0)) as journal:
        journal.begin("n", "rollback")
        journal.end("n", "rollback", True, 0)
    assert said == [f"{journal.broken}; the run goes on without it"]


def test_a_full_disk_at_the_first_line_is_a_usage_error(tmp_path: Path) -> None:
    with (
        Journal(tmp_path, RUN, opened=Full) as journal,
        pytest.raises(UsageError, match=r"data.runs: .*No space left on device"),
    ):
        journal.began(["rollout"], "op@host", {})


def test_a_line_that_is_lost_when_the_file_is_closed_breaks_the_journal(tmp_path: Path) -> None:
    with Journal(tmp_path, RUN, opened=lambda path: Failing(path, 9, in_closing=True)) as journal:
        journal.finished(0)
    assert "No space left on device" in journal.broken


def removed(home: Path) -> None:
    shutil.rmtree(home)


def moved(home: Path) -> None:
    home.rename(home.with_name("elsewhere"))


def replaced(home: Path) -> None:
    (home / "journal.jsonl").unlink()
    (home / "journal.jsonl").touch()


@pytest.mark.parametrize("meanwhile", [removed, moved, replaced])
def test_a_file_that_nobody_would_find_is_no_journal(tmp_path: Path, meanwhile: Callable[[Path], None]) -> None:
    with Journal(tmp_path, RUN) as journal:
        journal.begin("n", "stage")
        meanwhile(journal.path.parent)
        with pytest.raises(NotRecorded, match=r"cannot be written: (No such file|another file is in its place)"):
            journal.begin("n", "prove")


@pytest.mark.parametrize("room", [0, 10])
def test_a_line_that_was_torn_hides_no_later_one(tmp_path: Path, room: int) -> None:
    """The process may write files of so many bytes only: what is a full disk to everybody else."""
    path = tmp_path / RUN / "journal.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(JournalFile(path)) as file:
        file.append(b'{"at": "", "event": "first"}\n')
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                file.append(b'{"at": "", "event": "lost, since it is long"}\n')
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        file.append(b'{"at": "", "event": "last"}\n')
    assert [event["event"] for event in read(path)] == ["first", "last"]


def test_who_writes_after_the_end_is_not_heard(tmp_path: Path) -> None:
    journal = Journal(tmp_path, RUN, pytest.fail)
    journal.finished(0)
    journal.close()
    journal.close()
    journal.end("n", "verify", True, 0)
    assert [line["event"] for line in told(journal.path)] == ["finish"]


def test_threads_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def write(node: str) -> None:
        together.wait(10)
        for number in range(200):
            journal.begin(node, f"step {number}")

    with Journal(tmp_path, RUN, pytest.fail) as journal:
        threads = [threading.Thread(target=write, args=(node,)) for node in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = told(journal.path)
    for node in ("a", "b"):
        assert [line["step"] for line in lines if line["node"] == node] == [f"step {number}" for number in range(200)]


def test_a_signals_handler_may_write_while_a_line_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync
    with Journal(tmp_path, RUN, pytest.fail) as journal:

        def interrupted(file: int) -> None:
            monkeypatch.setattr(os, "fsync", sync)
            signal.raise_signal(signal.SIGUSR1)
            sync(file)

        def handle(_number: int, _frame: FrameType | None) -> None:
            journal.stopping(urgent=True)

        before = signal.signal(signal.SIGUSR1, handle)
        try:
            monkeypatch.setattr(os, "fsync", interrupted)
            journal.begin("n", "stage")
        finally:
            signal.signal(signal.SIGUSR1, before)
    assert [line["event"] for line in told(journal.path)] == ["begin", "stop"]


WRITER = """
import sys
from pathlib import Path
from fleet.journal import Journal
journal = Journal(Path(sys.argv[1]), sys.argv[2])
journal.began(["rollout"], "op@host", {})
for number in range(10**9):
    journal.begin("n", str(number))
    print(number, flush=True)
"""


def test_a_kill_leaves_every_line_that_was_begun(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), RUN]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        while writer.stdout.readline() != "20\n":
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
        said = ["20", *writer.stdout.read().split()]
    steps = [event["step"] for event in read(tmp_path / RUN / "journal.jsonl")[1:]]
    assert steps == [str(number) for number in range(len(steps))]
    assert int(said[-1]) < len(steps)


def carry_out(journal: Journal, task: Any) -> None:
    inventory = Inventory(Hosts({"n": Host(name="n")}), Groups(), Defaults())
    nornir = Nornir(inventory, runner=FleetRunner(1, Stop()))
    nornir.with_processors([JournalProcessor(journal)]).run(task)


def steps_of(path: Path) -> list[tuple[str, str, bool | None, str | None]]:
    lines = told(path)
    assert all(line["seconds"] >= 0 for line in lines if line["event"] == "end")
    return [(line["event"], line["step"], line.get("ok"), line.get("reason")) for line in lines]


def test_the_processor_writes_the_steps_and_not_what_they_do_within(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", logger="nornir")
    seen: list[bytes] = []

    def look(task: Task) -> Result:
        seen.append(journal.path.read_bytes())
        return Result(task.host)

    def good(task: Task) -> Result:
        task.run(look)
        return Result(task.host)

    def bad(_: Task) -> Result:
        raise RuntimeError("password = hunter2\nin vain")

    def within(task: Task) -> Result:
        task.run(bad)
        return Result(task.host)

    def migrate(task: Task) -> Result:
        task.run(good, name="swap config.toml")
        return task.run(within, name="verify")[0]

    with Journal(tmp_path, RUN, pytest.fail) as journal:
        carry_out(journal, migrate)
    assert [json.loads(line)["step"] for line in seen[0].splitlines()] == ["swap config.toml"]
    assert steps_of(journal.path) == [
        ("begin", "swap config.toml", None, None),
        ("end", "swap config.toml", True, None),
        ("begin", "verify", None, None),
        ("end", "verify", False, 'password = "****" in vain'),
    ]


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (lambda task: Result(task.host, failed=True, result="not as it should be"), "not as it should be"),
        (lambda _: (_ for _ in ()).throw(TimeoutError()), "TimeoutError"),
    ],
)
def test_a_failure_without_words_has_a_reason_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, failing: Any, reason: str
) -> None:
    caplog.set_level("CRITICAL", logger="nornir")
    with Journal(tmp_path, RUN, pytest.fail) as journal:
        carry_out(journal, lambda task: task.run(failing, name="verify"))
    assert steps_of(journal.path)[-1] == ("end", "verify", False, reason)


def test_a_step_that_ended_the_thread_has_no_end(tmp_path: Path) -> None:
    def leave(_: Task) -> Result:
        raise SystemExit(3)

    with Journal(tmp_path, RUN, pytest.fail) as journal:
        carry_out(journal, lambda task: task.run(leave))
    assert steps_of(journal.path) == [("begin", "leave", None, None)]


def test_a_step_begins_without_its_line_only_where_the_node_is_armed_or_something_is_cleared_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", logger="nornir")
    begun: list[str] = []

    def step(task: Task) -> Result:
        begun.append(task.name)
        return Result(task.host)

    def run(lines: int, *steps: str) -> list[str]:
        begun.clear()
        inventory = Inventory(Hosts({"n": Host(name="n")}), Groups(), Defaults())
        nornir = Nornir(inventory, runner=FleetRunner(1, Stop()))
        with Journal(tmp_path / f"{lines}", RUN, opened=lambda path: Failing(path, lines)) as journal:
            processor = JournalProcessor(journal, always=["abandon"], point="arm")

            def all_steps(task: Task) -> Result:
                try:
                    for name in steps:
                        task.run(step, name=name)
                finally:
                    task.run(step, name="abandon")
                return Result(task.host)

            [result] = nornir.with_processors([processor]).run(all_steps).values()
            assert result.failed == (begun[:-1] != list(steps))
            assert not result.failed or isinstance(result[0].exception, NotRecorded)
        return begun[:-1]

    steps = ("stage", "arm", "swap", "verify", "confirm")
    # Each step has two lines.
    assert [run(lines, *steps) for lines in range(5)] == [
        [],
        ["stage"],
        ["stage"],
        list(steps),
        list(steps),
    ]
