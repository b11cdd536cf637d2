"""The rollback of a transaction: by the timer, at a boot, by hand, from anywhere a run may have died."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tests.shell.node import ScriptedNode
from tests.shell.staging import RUN, STEPS, Change


@pytest.fixture
def change(node: ScriptedNode) -> Change:
    change = Change.usual(node)
    node.config.chmod(0o640)
    assert change.prepare().code == 0
    return change


@pytest.mark.parametrize("word", [(), ("--force",), ("--revert",)])
def test_everything_is_as_before(change: Change, word: tuple[str, ...]) -> None:
    assert change.apply().code == 0
    answer = change.node.rollback(RUN, *word)
    config, old, new = (path for path in reversed(change.live))
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [
        *(f"restored {config}", f"restored {old}", f"removed {new}", f"removed {Path(new).parent}"),
        *("restarted containerd", "CRI: ok"),
    ]
    assert change.live == change.old
    assert stat.S_IMODE(change.node.config.stat().st_mode) == 0o640
    assert change.state == "rolled_back"
    assert change.leftovers == []
    again = change.node.rollback(RUN)
    assert (again.code, again.stdout) == (0, "nothing to do: the files are those from before the run\nCRI: ok\n")


def test_a_boot_restores_files_only(change: Change) -> None:
    change.apply()
    calls = len(change.node.log)
    answer = change.node.rollback(RUN, "--boot")
    assert answer.code == 0
    assert change.live == change.old
    assert change.state == "rolled_back"
    assert not [line for line in change.node.log[calls:] if line.startswith(("systemctl", "ctr"))]


@pytest.mark.parametrize("word", ["--revert", "--boot"])
def test_what_was_confirmed_stays(change: Change, word: str) -> None:
    change.apply()
    change.confirm()
    assert change.node.rollback(RUN, word).code == 7
    assert change.live == change.new
    assert change.node.rollback(RUN).code == 0
    assert change.live == change.old


def test_a_foreign_edit_is_refused_and_saved_with_force(change: Change) -> None:
    change.apply()
    change.node.config.write_text("by hand\n")
    before = change.live
    answer = change.node.rollback(RUN)
    assert answer.code == 4
    assert answer.stdout.splitlines()[0] == f"changed {change.node.config}: no longer what the run wrote"
    assert change.live == before
    assert change.node.rollback(RUN, "--force").code == 0
    assert change.live == change.old
    (saved,) = (change.node.base / RUN).glob(f"replaced-*{change.node.config}")
    assert saved.read_text() == "by hand\n"


def test_an_edit_before_the_swap_stays(change: Change) -> None:
    change.apply("arm", "swap-hosts")
    change.node.config.write_text("by hand\n")
    answer = change.node.rollback(RUN, "--revert")
    assert answer.code == 0
    assert f"kept {change.node.config}" in answer.stdout
    assert change.live == {**change.old, str(change.node.config): "by hand\n"}


def test_a_link_that_took_the_place_of_a_file_is_replaced_and_not_followed(change: Change) -> None:
    change.apply()
    other = change.node.write("other", "theirs\n")
    change.node.config.unlink()
    change.node.config.symlink_to(other)
    assert change.node.rollback(RUN, "--revert").code == 0
    assert not change.node.config.is_symlink()
    assert change.live == change.old
    assert other.read_text() == "theirs\n"


def test_cri_that_stays_broken_is_told(change: Change) -> None:
    change.apply()
    change.node.write("plugins", "io.containerd.grpc.v1 cri - error\n")
    change.node.script("sleep", "exit 0")
    answer = change.node.rollback(RUN)
    assert answer.code == 3
    assert "CRI: not ok: io.containerd.grpc.v1/cri is error" in answer.stdout
    assert change.live == change.old
    assert change.state == "rolling_back"


def test_a_full_disk_does_not_stop_it(change: Change) -> None:
    change.apply()
    for tool in ("cp", "mkdir"):
        change.node.script(tool, "echo 'No space left on device' >&2; exit 1")
    assert change.node.rollback(RUN).code == 0
    assert change.live == change.old


def test_copies_that_are_gone_are_made_from_the_transaction(change: Change) -> None:
    change.apply()
    for copies in change.node.root.rglob(".containerd-fleet-*"):
        shutil.rmtree(copies)
    assert change.node.rollback(RUN).code == 0
    assert change.live == change.old
    assert change.leftovers == []


def test_the_caller_gets_what_the_rollback_said_and_how_the_node_is(change: Change) -> None:
    change.apply()
    answer = change.node.run("rollback", "--within", "5")
    assert (answer.code, answer.reports) == (0, ["begin", "end 0"])
    assert answer.values["run"] == RUN
    assert answer.values["lines"].endswith("CRI: ok")
    assert answer.values["changed"] == ""
    assert "cri - ok" in answer.values["plugins"]


def test_the_caller_gets_what_differs_where_it_is_refused(change: Change) -> None:
    change.apply()
    change.node.config.write_text("by hand\n")
    answer = change.node.run("rollback", "--run", RUN, "--within", "5")
    assert answer.code == 4
    assert answer.values[f"written:{change.node.config}"] == change.new[str(change.node.config)]
    assert answer.values[f"live:{change.node.config}"] == "by hand\n"


def test_a_node_without_a_transaction_says_so(node: ScriptedNode) -> None:
    assert node.run("rollback", "--within", "5").code == 6


def settled(change: Change) -> None:
    """Settle what a run left that died somewhere, as `finish` does, and check that nothing of it is left."""
    values = change.node.run("status").values
    if values.get("state", "staged").strip() in ("staged", "arming"):
        assert change.node.run("discard", "--run", RUN).code == 0
    else:
        answer = change.node.rollback(RUN, "--revert")
        assert answer.code in (0, 7), answer.stdout
    assert change.live == (change.new if change.state == "confirmed" else change.old)
    assert change.leftovers == []
    assert not (change.node.base / RUN / "armed").exists()
    assert change.state in ("none", "rolled_back", "confirmed")


def die_everywhere(root: Path, shell: str, step: int, when: str) -> int:
    """Let a whole change die at each call that changes something, one after the other, and settle it."""
    for call in range(1 if when == "before" else 4, 400, step):
        node = ScriptedNode(root / f"{when}{call}", shell)
        change = Change.usual(node)
        node.kill_at(call, when)
        dead = change.prepare().code != 0 or change.apply().code != 0 or change.confirm().code != 0
        reached = len((node.root / "log/count").read_text().splitlines())
        node.kill_at(0, "never")
        if not dead:
            assert reached < call
            assert change.state == "confirmed"
            return call
        settled(change)
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("shell", "step"), [("dash", 7), ("bash", 29), ("busybox", 31)])
def test_wherever_a_change_dies_the_node_can_be_settled(tmp_path: Path, shell: str, step: int, when: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    assert die_everywhere(tmp_path, shell, step, when) > 30


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rollback_that_dies_is_taken_up_again(tmp_path: Path, when: str) -> None:
    node = ScriptedNode(tmp_path / "node")
    change = Change.usual(node)
    assert change.prepare().code == 0
    assert change.apply(*STEPS).code == 0
    shutil.copytree(node.root, tmp_path / "applied", symlinks=True)
    for call in range(1, 100, 3):
        shutil.rmtree(node.root)
        shutil.copytree(tmp_path / "applied", node.root, symlinks=True)
        node.kill_at(call, when)
        answer = node.rollback(RUN, "--revert")
        node.kill_at(0, "never")
        if answer.code == 0:
            assert call > 10
            return
        settled(change)
    raise AssertionError("it never came to its end")
