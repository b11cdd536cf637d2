"""How a transaction stands, and how an interrupted one is settled, on real nodes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import cgroups, control, health, machine
from tasks.errors import StepFailed
from tasks.rollback import Restoration
from tests.lab import containers
from tests.lab.driven import Transaction
from tests.lab.nodes import CONFIG, PROJECT, Inventory, LabNode, Ran, canary, fleet, rollback, until

Fresh = Callable[..., list[LabNode]]
UNIT = "/etc/systemd/system/containerd-fleet-revert.service"


def status(*words: str) -> Ran:
    return fleet("status", "--json", *words)


def finish(*words: str) -> Ran:
    return fleet("finish", "--yes", "--json", "--settle", "0", *words)


def journal(runs: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in runs.glob("*/journal.jsonl") for line in path.read_text().splitlines()]


@pytest.fixture
def runs(inventory: Inventory, tmp_path: Path) -> Path:
    """Where the inventory of the test says that journals are kept."""
    inventory.replace("defaults.yaml", "data:\n", f"data:\n  runs: {tmp_path / 'runs'}\n")
    return tmp_path / "runs"


@contextmanager
def running(runs: Path, step: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A canary on worker-2 that has come to the end of ``step`` and then settles for long."""
    command = [
        sys.executable,
        str(PROJECT / "main.py"),
        "canary",
        "--host",
        "worker-2",
        "--yes",
        "--settle",
        "25",
        "--without-gate",
    ]
    process = subprocess.Popen([*command, *words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            if any(event.get("step") == step and event["event"] == "end" for event in journal(runs)):
                break
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def assert_nothing_is_left(node: LabNode) -> None:
    assert node.sh("systemctl list-units --all --no-legend 'containerd-fleet*'") == ""
    assert node.sh(f"ls {UNIT} /etc/systemd/system/*.wants/containerd-fleet* 2>/dev/null || true") == ""
    assert node.sh("find /etc/containerd -name '.containerd-fleet-*'") == ""


def test_status_follows_a_node_from_none_to_confirmed_and_back(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-2")
    one = ("--group", "workers", "--limit", "worker-2", *inventory.option)
    states = [status(*one).json["nodes"]["worker-2"]["state"]]
    run = canary("worker-2", *inventory.option).json["run"]
    ran = status(*one)
    states.append(ran.json["nodes"]["worker-2"]["state"])
    assert (ran.exit, ran.json["nodes"]["worker-2"]["run"]) == (0, run)
    rollback("--host", "worker-2", *inventory.option)
    states.append(status(*one).json["nodes"]["worker-2"]["state"])
    assert states == ["none", "confirmed", "rolled back"]
    assert_nothing_is_left(node)


def test_a_run_that_was_killed_is_told_and_confirmed_where_it_is_complete_and_well(
    fresh: Fresh, inventory: Inventory, runs: Path
) -> None:
    [node] = fresh("worker-2")
    with running(runs, "verify", *inventory.option) as controller:
        ran = finish("--host", "worker-2", *inventory.option)
        assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
        assert "is at work" in ran.reason("worker-2")
        controller.kill()
    ran = status("--group", "workers", "--limit", "worker-2", *inventory.option)
    told = ran.json["nodes"]["worker-2"]
    assert (ran.exit, told["state"], told["step"], told["cri"]) == (5, "applied", "verifying", "ok")
    assert 0 < told["reverts_in"] <= 120

    ran = finish("--host", "worker-2", *inventory.option)

    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "migrated"})
    assert "config_path" in node.config
    assert node.cri == "ok"
    assert_nothing_is_left(node)
    assert finish("--host", "worker-2", *inventory.option).outcomes == {"worker-2": "unchanged"}


def test_a_finish_that_is_stopped_while_it_asks_settles_nothing(fresh: Fresh, inventory: Inventory, runs: Path) -> None:
    [node] = fresh("worker-2")
    with running(runs, "verify", *inventory.option):
        pass
    command = [sys.executable, str(PROJECT / "main.py"), "finish", "--host", "worker-2", "--yes", *inventory.option]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert process.stderr.readline() == b"asking 1 nodes\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert node.sh("cat /var/lib/containerd-fleet/current/state") == "verifying\n"


def test_a_container_that_an_interrupted_run_lost_is_told_by_whoever_finishes_it(
    fresh: Fresh, inventory: Inventory, runs: Path
) -> None:
    [node] = fresh("worker-2")
    lost = containers.start(node, "lost")
    node.write(
        "/etc/systemd/system/containerd.service.d/50-test.conf", f"[Service]\nExecStartPre=-/bin/kill -9 {lost.shim}\n"
    )
    node.sh("systemctl daemon-reload")
    with running(runs, "verify", *inventory.option):
        pass
    ran = finish("--host", "worker-2", *inventory.option)
    assert (ran.exit, ran.outcomes) == (3, {"worker-2": "failed"})
    assert "k8s.io/lost" in ran.reason("worker-2")


def test_a_boot_unit_that_there_is_no_room_for_leaves_nothing(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    transaction = Transaction("worker-2").staged()
    node.sh(
        "cd /etc/systemd && cp -a system /tmp/system && mount -t tmpfs -o size=64k,mode=755 tmpfs system && "
        "cp -a /tmp/system/. system/ && (dd if=/dev/zero of=system/filler bs=4k 2>/dev/null || true)"
    )
    with pytest.raises(StepFailed, match="No space left on device"):
        transaction.arm()
    assert transaction.rollback().restoration is Restoration.RESTORED
    assert node.sh("ls /etc/systemd/system | grep containerd-fleet || true") == ""
    assert_nothing_is_left(node)


def test_a_connection_that_died_since_the_plan_is_made_again(fresh: Fresh) -> None:
    (node,) = fresh("worker-2")
    transaction = Transaction("worker-2").planned()
    node.sh("pkill -9 -f '[@]notty'")
    time.sleep(0.5)
    transaction.stage()
    assert node.read(f"/var/lib/containerd-fleet/{transaction.run.id}/state").strip() == "staged"


@pytest.mark.parametrize("cut_at", ["containerd-fleet-revert", "multi-user.target.wants"])
@pytest.mark.parametrize("settle", ["finish", "rollback", "the next run"])
def test_an_arming_that_was_cut_off_leaves_no_boot_unit(fresh: Fresh, cut_at: str, settle: str) -> None:
    (node,) = fresh("worker-2")
    transaction = Transaction("worker-2").staged()
    node.sh(
        f"printf '#!/bin/sh\\ncase $* in *{cut_at}*) kill -9 $PPID ;; esac\\nexec /usr/bin/sync \"$@\"\\n' "
        ">/usr/local/sbin/sync && chmod 755 /usr/local/sbin/sync"
    )
    with pytest.raises(StepFailed):
        transaction.arm()
    assert "containerd-fleet-revert" in node.sh("ls -R /etc/systemd/system")

    node.sh("rm /usr/local/sbin/sync")
    if settle == "finish":
        assert finish("--host", "worker-2", "--force").exit == 0
    elif settle == "rollback":
        assert transaction.rollback().restoration is Restoration.RESTORED
    else:
        node.sh(f"sed -i 's/^deadline=.*/deadline=0/' /var/lib/containerd-fleet/{transaction.run.id}/owner")
        assert canary("worker-2").exit == 0
    assert "containerd-fleet-revert" not in node.sh("ls -R /etc/systemd/system")


def test_what_a_confirmation_that_was_cut_off_leaves_goes_with_the_timer(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    transaction = Transaction("worker-2", revert_after=5).swapped()
    transaction.restart()
    transaction.verify()
    after = node.config
    node.sh(f"echo confirmed >/var/lib/containerd-fleet/{transaction.run.id}/state")
    time.sleep(6)
    assert (node.config, node.cri) == (after, "ok")
    assert_nothing_is_left(node)


def test_a_power_cut_amid_the_confirmation_leaves_no_failed_unit(fresh: Fresh) -> None:
    (node,) = fresh("worker-2")
    transaction = Transaction("worker-2", revert_after=60).swapped()
    transaction.restart()
    transaction.verify()
    after = node.config
    node.sh(f"echo confirmed >/var/lib/containerd-fleet/{transaction.run.id}/state")
    before = cgroups.leader("worker-2")
    machine.power_cut("worker-2")
    until(lambda: cgroups.leader("worker-2") not in (None, before))
    health.wait(control.select(control.nodes(), ["worker-2"]))
    assert node.config == after
    # One that was loaded at this boot is known until the next: what counts is that it has not failed.
    assert node.sh("systemctl list-units --no-legend 'containerd-fleet*'") == ""
    assert node.sh(f"ls {UNIT} /etc/systemd/system/*.wants/containerd-fleet* 2>/dev/null || true") == ""


@pytest.mark.parametrize("step", ["stage", "arm", "swap hosts.toml", "swap config.toml"])
def test_a_run_that_was_killed_half_way_is_taken_back(
    fresh: Fresh, inventory: Inventory, runs: Path, step: str
) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    with running(runs, step, *inventory.option):
        pass
    ran = finish(*inventory.option, "--group", "workers")
    assert ran.exit == 0
    assert ran.outcomes["worker-2"] == "rolled_back"
    assert (node.snapshot(), node.cri) == (before, "ok")
    assert_nothing_is_left(node)


def test_a_run_of_another_controller_is_left_alone_unless_forced(
    fresh: Fresh, inventory: Inventory, runs: Path, tmp_path: Path
) -> None:
    [node] = fresh("worker-2")
    with running(runs, "verify", *inventory.option):
        pass
    inventory.replace("defaults.yaml", str(runs), str(tmp_path / "elsewhere"))
    ran = finish("--host", "worker-2", *inventory.option)
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "--force" in ran.reason("worker-2")
    assert finish("--host", "worker-2", "--force", *inventory.option).outcomes == {"worker-2": "migrated"}
    assert node.cri == "ok"


def test_a_second_controller_is_told_who_is_at_work_and_since_when(
    fresh: Fresh, inventory: Inventory, runs: Path
) -> None:
    [node] = fresh("worker-2")
    with running(runs, "verify", *inventory.option):
        ran = canary("worker-2")
        assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
        [began] = [event for event in journal(runs) if event["event"] == "run"]
        assert str(began["run"]) in ran.reason("worker-2")
        assert str(began["user"]) in ran.reason("worker-2")
        assert "since 20" in ran.reason("worker-2")
        assert "config_path" in node.config


def test_of_a_node_that_does_not_answer_the_journal_tells_the_last_word(
    fresh: Fresh, inventory: Inventory, runs: Path
) -> None:
    fresh("worker-2")
    with running(runs, "verify", *inventory.option):
        pass
    inventory.replace("hosts.yaml", "198.18.20.22", "198.18.20.99")
    ran = status("--group", "workers", "--limit", "worker-2", *inventory.option)
    told = ran.json["nodes"]["worker-2"]
    assert (ran.exit, told["state"]) == (4, "unknown")
    assert "(interrupted): verify done at" in told["cri"]


def test_the_journal_has_every_step_and_no_secret(fresh: Fresh, inventory: Inventory, runs: Path) -> None:
    [node] = fresh("worker-2")
    secret = '[plugins."io.containerd.grpc.v1.cri".registry.configs."r.example".auth]\npassword = "hunter2"\n'
    node.write(CONFIG, node.config + secret)
    node.restart()
    ran = canary("worker-2", *inventory.option)
    assert ran.exit == 0
    [path] = runs.glob("*/journal.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "hunter2" not in path.read_text()
    events = journal(runs)
    steps = [(event["event"], event["step"]) for event in events if "step" in event]
    assert [step for kind, step in steps if kind == "begin"] == [step for kind, step in steps if kind == "end"]
    assert [event["event"] for event in events][:2] == ["run", "plan"]
    [swapped] = [event for event in events if event["event"] == "end" and event["step"] == "swap config.toml"]
    assert swapped["sha256"] == {CONFIG: node.sh(f"sha256sum {CONFIG}").split()[0]}
    assert events[0]["command"][0] == "canary"  # type: ignore[index]
    assert events[0]["versions"]["containerd-fleet"]  # type: ignore[index]
    assert events[-2] | {"at": ""} == {
        "at": "",
        "event": "node",
        "node": "worker-2",
        "outcome": "migrated",
        "reason": ran.reason("worker-2"),
    }
    assert events[-1]["exit"] == 0


def test_a_journal_that_cannot_be_kept_is_said_before_anything_is_done(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-2")
    inventory.replace("defaults.yaml", "data:\n", "data:\n  runs: /proc/nothing\n")
    ran = canary("worker-2", *inventory.option)
    assert (ran.exit, ran.json["error"]["key"]) == (2, "data.runs")
    assert node.transactions() == []


def test_timers_that_would_act_too_early_are_a_usage_error(inventory: Inventory) -> None:
    inventory.replace("defaults.yaml", "data:\n", "data:\n  transaction: {revert_after: 60}\n")
    ran = canary("worker-2", *inventory.option)
    assert (ran.exit, ran.json["error"]["key"]) == (2, "data.transaction.revert_after")


def test_old_transactions_go_but_never_the_newest_good_one(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-2")
    inventory.replace("defaults.yaml", "data:\n", "data:\n  transaction: {keep_runs: 3}\n")
    good = canary("worker-2", *inventory.option).json["run"]
    undone = []
    for _ in range(4):
        node.sh("sed -i s/5020/5999/ /etc/containerd/certs.d/quay.io/hosts.toml")
        undone.append(canary("worker-2", *inventory.option).json["run"])
        assert rollback("--host", "worker-2", *inventory.option).exit == 0
    assert node.transactions() == [good, *undone[-3:]]
    # An older one that is still there can be named.
    assert rollback("--host", "worker-2", "--run", good, "--force", *inventory.option).exit == 0
    assert "config_path" not in node.config


def test_ctrl_c_once_finishes_the_node_and_twice_takes_it_back(fresh: Fresh, inventory: Inventory, runs: Path) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    with running(runs, "verify", *inventory.option) as controller:
        controller.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            controller.wait(2)
        os.kill(controller.pid, signal.SIGINT)
        assert controller.wait(30) == 130
    assert (node.snapshot(), node.cri) == (before, "ok")
    assert [event["urgent"] for event in journal(runs) if event["event"] == "stop"] == [False, True]
    assert_nothing_is_left(node)
