"""What journals tell of earlier runs: torn ones, dead ones, those at work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.journal import Journal
from fleet.runs import LastWord, is_dead, newest, read

RUN, LATER = "20260214T031502Z-1f3a", "20260214T041502Z-0000"
PROJECT = Path(__file__).resolve().parents[3]
AT = "2026-02-14T03:12:04.123Z"

SAMPLE = b"".join(
    json.dumps({"at": AT, **event}).encode() + b"\n"
    for event in (
        {"event": "run", "run": RUN, "pid": 1, "command": ["rollout"], "versions": {}},
        {"event": "begin", "node": 'a"\\\u00e4\n}', "step": "stage"},
        {"event": "end", "node": "a", "step": "stage", "ok": False, "seconds": 0.1, "reason": '{"at": ""}'},
        {"event": "finish", "exit": 0},
    )
)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(SAMPLE)
    return path


def test_cut_at_any_byte_it_reads_as_its_beginning(whole: Path) -> None:
    events = read(whole)
    assert len(events) == 4
    for length in range(len(SAMPLE)):
        whole.write_bytes(SAMPLE[:length])
        left = read(whole)
        assert left == events[: len(left)]
        assert len(left) >= SAMPLE[:length].count(b"\n")


@given(st.binary(max_size=200))
def test_garbage_between_two_lines_hides_neither(noise: bytes) -> None:
    first, second = SAMPLE.splitlines(keepends=True)[:2]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        path.write_bytes(first + noise + b"\n" + second)
        events = read(path)
    assert events[0] == json.loads(first)
    assert events[-1] == json.loads(second)


@pytest.mark.parametrize(
    "line", [b"[]", b"7", b"null", b'{"event": "run"}', b'{"at": 1, "event": "run"}', b"[" * 100000, b"\xff\xfe{}"]
)
def test_what_is_no_event_is_left_out(whole: Path, line: bytes) -> None:
    whole.write_bytes(line + b"\n" + SAMPLE)
    assert len(read(whole)) == 4


def test_a_journal_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="journal"):
        read(tmp_path / "journal.jsonl")


def test_the_lock_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    assert is_dead(tmp_path, RUN) is None
    with Journal(tmp_path, RUN):
        assert is_dead(tmp_path, RUN) is False
        assert is_dead(tmp_path, RUN) is False
    assert is_dead(tmp_path, RUN) is True


HOLDER = """
import subprocess, sys
from pathlib import Path
from fleet.journal import Journal
journal = Journal(Path(sys.argv[1]), sys.argv[2])
journal.began(["rollout"], "op@host", {})
journal.begin("a", "restart")
child = subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_run_is_dead_though_its_children_live(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path), RUN]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            assert is_dead(tmp_path, RUN) is False
            assert str(newest(tmp_path, "a")).startswith(f"run {RUN} (at work, pid {holder.pid}): restart began at ")
            holder.kill()
            holder.wait()
            assert is_dead(tmp_path, RUN) is True
            assert str(newest(tmp_path, "a")).endswith("Z, how it ended is not known")
        finally:
            os.kill(child, 9)


@pytest.mark.parametrize("run_id", ["", ".", "..", "../runs", "/etc", "a/b", "a/", "a\0b", "x" * 300])
def test_an_id_that_a_node_made_up_is_none_of_ours(tmp_path: Path, run_id: str) -> None:
    runs = tmp_path / "runs"
    Journal(runs, "a").close()
    for place in (tmp_path, runs, runs / "a"):
        (place / "journal.jsonl").touch()
    assert is_dead(runs, run_id) is None


def test_the_newest_run_that_mentions_the_node_has_the_last_word(tmp_path: Path) -> None:
    assert newest(tmp_path / "nowhere", "a") is None
    for run, node, step in ((RUN, "a", "stage"), (LATER, "b", "verify")):
        with Journal(tmp_path, run) as journal:
            journal.begin(node, step)
    (tmp_path / "a file").touch()
    (tmp_path / "unreadable" / "journal.jsonl").mkdir(parents=True)
    a, b = newest(tmp_path, "a"), newest(tmp_path, "b")
    assert (a and (a.run, a.step)) == (RUN, "stage")
    assert (b and (b.run, b.step)) == (LATER, "verify")
    assert newest(tmp_path, "c") is None


def test_the_last_event_of_the_node_counts(tmp_path: Path) -> None:
    def word() -> LastWord:
        found = newest(tmp_path, "a")
        assert found is not None
        return found

    with Journal(tmp_path, RUN) as journal:
        journal.began(["rollout"], "op@host", {})
        journal.begin("a", "verify")
        assert (word().step, word().ok, word().alive, word().pid) == ("verify", None, True, os.getpid())
        journal.end("a", "verify", False, 0, "CRI is error")
        journal.begin("b", "verify")
        assert (word().step, word().ok, word().reason) == ("verify", False, "CRI is error")
        journal.outcome("a", "rolled_back", "CRI ok")
        assert (word().outcome, word().reason, word().finished) == ("rolled_back", "CRI ok", False)
        journal.finished(1)
        assert (word().finished, word().alive) == (True, False)
    assert (word().finished, word().alive) == (True, False)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            LastWord("R", AT, "restart"),
            "run R (interrupted): restart began at 03:12:04Z, how it ended is not known",
        ),
        (LastWord("R", AT, "restart", alive=True, pid=123), "run R (at work, pid 123): restart began at 03:12:04Z"),
        (LastWord("R", AT, "verify", True, alive=True), "run R (at work): verify done at 03:12:04Z"),
        (
            LastWord("R", AT, "verify", True),
            "run R (interrupted): verify done at 03:12:04Z, no later step is known to have begun",
        ),
        (
            LastWord("R", AT, "verify", False, reason="CRI is error", alive=True, pid=1),
            "run R (at work, pid 1): verify failed at 03:12:04Z: CRI is error",
        ),
        (LastWord("R", AT), "run R (interrupted): planned at 03:12:04Z, no step is known to have begun"),
        (
            LastWord("R", AT, outcome="migrated", reason="CRI ok", finished=True),
            "run R (finished): migrated at 03:12:04Z: CRI ok",
        ),
        (LastWord("R", AT, outcome="migrated"), "run R (interrupted): migrated at 03:12:04Z"),
    ],
)
def test_a_word_is_one_line(word: LastWord, said: str) -> None:
    assert str(word) == said


@pytest.mark.parametrize(
    ("written", "asked", "counts"),
    [("a", "a", True), ("b", "a", False), ("", "a", True), ("/etc/fleet", "/srv/fleet", False), ("b", "", True)],
)
def test_a_journal_counts_for_its_own_inventory(tmp_path: Path, written: str, asked: str, counts: bool) -> None:
    with Journal(tmp_path, RUN) as journal:
        journal.began(["rollout"], "me", {}, written)
        journal.outcome("worker-1", "migrated", "")
    assert is_dead(tmp_path, RUN, asked) is (True if counts else None)
    assert (newest(tmp_path, "worker-1", asked) is not None) is counts


def test_a_run_of_another_inventory_at_work_is_not_dead(tmp_path: Path) -> None:
    with Journal(tmp_path, RUN) as journal:
        journal.began(["rollout"], "me", {}, "other")
        assert is_dead(tmp_path, RUN, "mine") is False
