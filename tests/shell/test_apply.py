"""`fleet-node apply` and `confirm`: one step after each go-ahead, in order, with the state ahead of each act."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.shell.node import ScriptedNode
from tests.shell.staging import RUN, STEPS, Change, sum_of

DONE = [f"done {step}" for step in STEPS]


@pytest.fixture
def change(node: ScriptedNode) -> Change:
    change = Change.usual(node)
    assert change.prepare().code == 0
    return change


def test_a_change_is_applied_step_by_step_and_confirmed(change: Change) -> None:
    answer = change.apply()
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.reports == ["begin", *DONE, "end 0"]
    assert change.live == change.new
    assert change.state == "verifying"
    values = answer.values
    assert {name: text.strip() for name, text in values.items() if name.startswith("sum:")} == {
        f"sum:{path}": sum_of(after) for _, path, _, after in change.files
    }
    assert "io.containerd.grpc.v1 cri - ok" in values["plugins"]
    assert values["changed"] == ""
    assert "again" not in values
    assert (change.node.base / "current").readlink().name == RUN
    answer = change.confirm()
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.reports == ["begin", "done verify-again", "done disarm", "end 0"]
    assert change.state == "confirmed"
    assert change.live == change.new
    assert change.leftovers == []
    assert not (change.node.base / RUN / "armed").exists()


def test_the_state_is_ahead_of_each_act(change: Change) -> None:
    node = change.node
    seen = 'echo "$0 $(cat $ROOT/var/lib/containerd-fleet/2026*/state)" >>$ROOT/log/states'
    for tool in ("systemctl", "systemd-run"):
        real = (node.bin / tool).rename(node.bin / f"{tool}.real")
        node.script(tool, f'case "$*" in restart*|*on-active*) {seen} ;; esac\nexec {real} "$@"')
    node.script("mv", f'case "$*" in *.after*) {seen} ;; esac\nexec /bin/mv "$@"')
    change.apply()
    states = (node.root / "log/states").read_text().replace(f"{node.bin}/", "").splitlines()
    assert states == ["systemd-run arming", *["mv swapping"] * 3, "systemctl restarting"]


@pytest.mark.parametrize(("number", "line"), [*((n, "") for n in range(5)), (2, "stop\n"), (2, "go everything\n")])
def test_no_step_begins_without_its_own_go_ahead(one_node: ScriptedNode, number: int, line: str) -> None:
    change = Change.usual(one_node)
    assert change.prepare().code == 0
    times = ("--revert-after", "60", "--restart-within", "5", "--verify-within", "5", "--silence", "5")
    lines = "".join(f"go {step}\n" for step in STEPS[:number]) + line
    answer = change.node.run("apply", "--run", RUN, *times, stdin=lines)
    assert answer.code == 9
    assert answer.reports == ["begin", *DONE[:number], "end 9"]
    assert f"{STEPS[number]} was not begun" in answer.stderr
    assert change.state == ["staged", "armed", "swapping", "swapping", "restarting"][number]


def test_silence_has_a_limit(change: Change) -> None:
    reader, writer = os.pipe()
    words = ("--revert-after", "60", "--restart-within", "5", "--verify-within", "5", "--silence", "1")
    with os.fdopen(reader, "rb") as silent:
        command = change.node.command("apply", "--run", RUN, *words)
        done = subprocess.run(command, stdin=silent, capture_output=True, timeout=30, check=False)
    os.close(writer)
    assert done.returncode == 9
    assert change.state == "staged"


def link(change: Change) -> None:
    config = change.node.config
    (change.node.root / "same").write_text(config.read_text())
    config.unlink()
    config.symlink_to(change.node.root / "same")


def linked_directory(change: Change) -> None:
    config = change.node.config
    config.parent.rename(change.node.root / "moved")
    config.parent.symlink_to(change.node.root / "moved")


def edit(change: Change) -> None:
    change.node.config.write_text("by hand\n")


def other_copy(change: Change) -> None:
    (copy,) = change.node.config.parent.glob(f".containerd-fleet-{RUN}.*/3.after")
    copy.write_text("planted\n")


@pytest.mark.parametrize("strike", [link, linked_directory, edit, other_copy])
def test_what_changed_since_it_was_staged_is_not_swapped(change: Change, strike: Callable[[Change], None]) -> None:
    running = change.start_applying()
    for step in ("arm", "swap-hosts"):
        running.go(step)
    strike(change)
    config = change.node.config.read_text()
    running.send("swap-config")
    code, stderr = running.end()
    assert code == 1
    assert "config.toml" in stderr
    assert change.node.config.read_text() == config


def test_a_restart_that_fails_says_why(change: Change) -> None:
    change.node.write("no-start", "")
    change.node.script("journalctl", 'case "$*" in *--since*) echo "containerd: no such file" ;; esac')
    answer = change.apply()
    assert answer.code == 1
    assert answer.reports == ["begin", *DONE[:3], "end 1"]
    assert answer.stderr == "containerd does not start (exit-code): containerd: no such file\n"
    assert change.state == "restarting"


def test_containerd_that_was_started_again_is_told(change: Change) -> None:
    change.apply(*STEPS[:4])
    change.node.write("invocation", "i2\n")
    assert change.confirm("verify-again").values["again"] == "yes"


def test_shims_that_are_lost_in_the_restart_are_named(change: Change) -> None:
    node = change.node
    state = node.root / "run/containerd/io.containerd.runtime.v2.task/k8s.io/c1"
    node.write(str(state / "address"), "unix:///run/s/1")
    node.write("proc/net/unix", "0: 00000002 00000000 00010000 0001 01 1 /run/s/1\n")
    change.apply(*STEPS[:4])
    node.write("proc/net/unix", "")
    assert change.confirm("verify-again").values["gone"] == "k8s.io/c1\tremoved\n"


def test_files_only_needs_no_restart(change: Change) -> None:
    answer = change.apply(*STEPS[:3], options=("--files-only",))
    assert answer.reports == ["begin", *DONE[:3], "end 0"]
    assert not [line for line in change.node.log if line.startswith("systemctl restart")]
    assert change.confirm().code == 0


def test_a_run_whose_file_was_edited_is_not_confirmed(change: Change) -> None:
    change.apply()
    change.node.config.write_text("by hand\n")
    answer = change.confirm()
    assert answer.code == 1
    assert answer.reports == ["begin", "done verify-again", "end 1"]
    assert answer.values["changed"] == f"{change.node.config}\n"
    assert "is no longer what the run wrote" in answer.stderr
    assert change.state == "verifying"


def test_the_caller_may_leave_a_run_unconfirmed(change: Change) -> None:
    change.apply()
    assert change.confirm("verify-again").code == 9
    assert change.state == "verifying"


def test_a_run_that_was_rolled_back_is_not_confirmed(change: Change) -> None:
    change.apply()
    assert change.node.rollback(RUN, "--revert").code == 0
    answer = change.confirm()
    assert answer.code == 1
    assert "the transaction is rolled_back by now" in answer.stderr


@pytest.mark.parametrize("selinux", [True, False])
def test_new_files_get_the_label_of_the_policy(change: Change, *, selinux: bool) -> None:
    node = change.node
    node.script("restorecon", "exit 0")
    if selinux:
        node.write("sys/fs/selinux/enforce", "1")
    change.apply()
    labeled = {word for line in node.log if line.startswith("restorecon") for word in line.split()[1:]}
    new = f"{node.root}/etc/containerd/certs.d/ghcr.io"
    units = f"{node.root}/etc/systemd/system/containerd-fleet-revert.service"
    assert labeled == ({new, f"{new}/hosts.toml", units} if selinux else set())
