"""`fleet-node prepare` and `discard`: what is staged, what is refused, and that nothing stays of what was refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.shell.node import BOOT, ScriptedNode
from tests.shell.staging import HOSTS, NEW_CONFIG, RUN, Change, sum_of


def test_everything_is_staged_and_nothing_that_is_live_changes(node: ScriptedNode) -> None:
    change = Change.usual(node)
    answer = change.prepare()
    assert (answer.code, answer.stderr, answer.reports) == (0, "", ["begin", "end 0"])
    assert answer.values["staged"].split() == [path for _, path, *_ in change.files]
    assert change.live == change.old
    assert not (node.root / "etc/containerd/certs.d/ghcr.io").exists()
    directory = node.base / RUN
    assert (directory / "state").read_text() == "staged\n"
    assert (directory / "format").read_text() == "2\n"
    rows = [line.split("\t") for line in (directory / "manifest").read_text().splitlines()]
    assert [row[:3] + row[4:] for row in rows] == [[k, sum_of(b), sum_of(a), p] for k, p, b, a in change.files]
    for (_, path, before, after), (*_, spare, _) in zip(change.files, rows, strict=True):
        copies = Path(spare).parent
        assert stat.S_IMODE(copies.stat().st_mode) == 0o700
        assert Path(f"{spare}.after").read_text() == after
        if before is not None:
            assert Path(f"{spare}.before").read_text() == (directory / f"before{path}").read_text() == before
    assert stat.S_IMODE((node.base / "lock").stat().st_mode) == 0o600
    assert (directory / "created").read_text() == f"{node.root}/etc/containerd/certs.d/ghcr.io\n"


def test_a_new_file_takes_over_the_mode_of_the_one_that_it_replaces(node: ScriptedNode) -> None:
    node.config.chmod(0o640)
    Change.usual(node).prepare()
    (spare,) = node.config.parent.glob(f".containerd-fleet-{RUN}.*/3.after")
    assert stat.S_IMODE(spare.stat().st_mode) == 0o640


def link(node: ScriptedNode) -> None:
    real = node.write("elsewhere/config.toml", node.config.read_text())
    node.config.unlink()
    node.config.symlink_to(real)


def foreign(node: ScriptedNode) -> None:
    node.config.write_text("edited\n")


def writable_by_all(node: ScriptedNode) -> None:
    node.config.parent.chmod(0o777)


def owned_by_a_user(node: ScriptedNode) -> None:
    os.chown(node.config.parent, 12345, 0)


def mounted(node: ScriptedNode) -> None:
    node.write("proc/self/mountinfo", f"1 2 0:3 / {node.config} rw - ext4 /dev/x rw\n")


def full(node: ScriptedNode) -> None:
    node.script("cp", "echo 'No space left on device' >&2; exit 1")


def lost_on_the_way_to_disk(node: ScriptedNode) -> None:
    node.script("cp", '/bin/cp "$@"; for last; do :; done; case $last in *.before) echo x >>"$last" ;; esac')


def another_containerd(node: ScriptedNode) -> None:
    node.script("containerd", "echo containerd github.com/containerd/containerd 2.1.9 abc")


REFUSED: dict[str, tuple[Callable[[ScriptedNode], None], str]] = {
    "a file that became a link": (link, "config.toml became a symbolic link after the plan"),
    "a file that somebody changed": (foreign, "config.toml was changed by somebody else after the plan"),
    "a directory that all may write to": (writable_by_all, "others may write to"),
    "a directory of a user's": (owned_by_a_user, "belongs to user 12345"),
    "a file that is mounted by itself": (mounted, "is mounted by itself"),
    "a full disk": (full, "cannot be copied; is the disk full?"),
    "a backup that is not what it should be": (lost_on_the_way_to_disk, "is not what was planned on"),
    "a containerd that is not the planned one": (another_containerd, "the rollback of this transaction would not work"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_staged_is_refused_and_leaves_nothing(one_node: ScriptedNode, name: str) -> None:
    strike, reason = REFUSED[name]
    change = Change.usual(one_node)
    strike(one_node)
    live = change.live
    answer = change.prepare()
    assert answer.code == 1
    assert reason in answer.stderr.splitlines()[-1]
    assert change.live == live
    assert change.leftovers == []
    assert [path.name for path in one_node.base.iterdir()] == ["lock"]


@pytest.mark.skipif(os.getuid() != 0, reason="chattr needs root")
@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_is_immutable_is_refused_with_its_cure(node: ScriptedNode, what: str) -> None:
    change = Change.usual(node)
    target = node.config if what == "file" else node.config.parent
    if os.system(f"chattr +i {target} 2>/dev/null"):  # noqa: S605
        pytest.skip("this file system has no such attribute")
    try:
        answer = change.prepare()
    finally:
        os.system(f"chattr -i {target}")  # noqa: S605
    assert answer.code == 1
    assert "chattr -i" in answer.stderr
    assert change.leftovers == []


@pytest.mark.parametrize("character", ["\n", "\t", "\x7f"])
def test_a_path_with_a_control_character_is_refused(one_node: ScriptedNode, character: str) -> None:
    change = Change(one_node, files=[("hosts", f"{one_node.root}/etc/a{character}b/hosts.toml", None, HOSTS)])
    answer = change.prepare()
    assert answer.code == 1
    assert [path.name for path in one_node.base.iterdir()] == ["lock"]
    assert change.leftovers == []


def test_a_directory_that_is_a_link_is_written_where_it_leads(node: ScriptedNode) -> None:
    (node.root / "data").mkdir()
    (node.config.parent / "certs.d").symlink_to(node.root / "data")
    change = Change(node, files=[("hosts", f"{node.config.parent}/certs.d/ghcr.io/hosts.toml", None, HOSTS)])
    assert change.prepare().values["staged"] == f"{node.root}/data/ghcr.io/hosts.toml\n"


def test_an_answer_that_is_cut_short_is_not_staged(node: ScriptedNode) -> None:
    change = Change.usual(node)
    cut = change.stdin.rsplit("\n", 3)[0] + "\n"
    options = ("--run", RUN, "--owned", "9", "--keep-runs", "5", "--keep-days", "30")
    answer = node.run("prepare", *options, stdin=cut)
    assert (answer.code, answer.stderr) == (1, "the files of the transaction did not arrive whole\n")
    assert [path.name for path in node.base.iterdir()] == ["lock"]


def other(node: ScriptedNode, state: str, deadline: int = 5000) -> None:
    assert Change(node, "20250101T000000Z-0009").prepare().code == 0
    directory = node.base / "20250101T000000Z-0009"
    (directory / "state").write_text(f"{state}\n")
    (directory / "owner").write_text(f"owner=bob\nsince=2025\ndeadline={deadline}\nboot={BOOT}\n")


@pytest.mark.parametrize("state", ["staged", "arming", "armed", "swapping", "restarting", "verifying", "rolling_back"])
def test_a_node_at_work_for_another_run_is_refused(one_node: ScriptedNode, state: str) -> None:
    other(one_node, state)
    answer = Change.usual(one_node).prepare()
    assert answer.code == 1
    assert "run 20250101T000000Z-0009 of bob, since 2025" in answer.stderr
    assert (one_node.base / "20250101T000000Z-0009").exists()


@pytest.mark.parametrize("state", ["staged", "arming"])
def test_what_another_run_left_that_changed_nothing_is_removed(node: ScriptedNode, state: str) -> None:
    other(node, state, deadline=999)
    assert Change.usual(node).prepare().code == 0
    assert not (node.base / "20250101T000000Z-0009").exists()


def test_old_transactions_are_pruned_but_not_the_newest(node: ScriptedNode) -> None:
    for number in range(8):
        directory = node.base / f"202501{number:02}T000000Z-0000"
        directory.mkdir(parents=True)
        (directory / "state").write_text("confirmed\n" if number % 2 else "rolled_back\n")
    (node.base / "current").symlink_to("20250100T000000Z-0000")
    assert Change.usual(node).prepare().code == 0
    left = sorted(path.name[:8] for path in node.base.iterdir() if path.name.startswith("2025"))
    assert left == ["20250100", "20250104", "20250105", "20250106", "20250107"]


def test_the_candidate_is_loaded_in_a_sandbox(node: ScriptedNode) -> None:
    change = Change.usual(node)
    change.sandbox = True
    values = change.prepare().values
    assert "cri - ok" in values["candidate.plugins"]
    assert values["candidate.alive"] == "yes\n"
    assert not [name for name in values if name.startswith("live.")]


def test_a_candidate_that_does_not_load_has_the_live_files_tried_too(node: ScriptedNode) -> None:
    node.write("sandbox.candidate", "error\n")
    change = Change.usual(node)
    change.sandbox = True
    answer = change.prepare()
    assert answer.code == 0
    assert "cri - error" in answer.values["candidate.plugins"]
    assert "cri - ok" in answer.values["live.plugins"]


def test_a_sandbox_that_cannot_be_made_says_why(node: ScriptedNode) -> None:
    node.write("no-sandbox", "")
    change = Change.usual(node)
    change.sandbox = True
    assert change.prepare().values["candidate.failure"] == "no sandbox\n"


def test_discard_removes_what_was_staged(node: ScriptedNode) -> None:
    change = Change.usual(node)
    change.prepare()
    assert node.run("discard", "--run", RUN).code == 0
    assert [path.name for path in node.base.iterdir()] == ["lock"]
    assert change.leftovers == []
    assert change.live == change.old
    assert node.run("discard", "--run", RUN).code == 0


def test_discard_refuses_what_is_further(node: ScriptedNode) -> None:
    change = Change.usual(node)
    change.prepare()
    (node.base / RUN / "state").write_text("armed\n")
    answer = node.run("discard", "--run", RUN)
    assert (answer.code, answer.stderr) == (1, "the transaction is armed, not staged\n")
    assert (node.base / RUN).exists()


def test_the_rollback_in_a_transaction_needs_nothing_from_outside(node: ScriptedNode) -> None:
    change = Change.usual(node)
    change.prepare()
    text = (node.base / RUN / "rollback").read_text()
    assert text.startswith(f"#!/bin/sh\n# Undo run {RUN} on this node: sh {node.base}/{RUN}/rollback")
    assert text.endswith(f'main undo --run {RUN} "$@"\n')
    assert NEW_CONFIG not in text
