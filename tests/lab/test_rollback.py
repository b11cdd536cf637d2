"""The emergency runbook on real nodes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab.nodes import CONFIG, PROJECT, LabNode, canary, fleet, rollback, rollout

Fresh = Callable[..., list[LabNode]]
WORKERS = ("worker-1", "worker-2", "worker-3", "worker-4", "worker-5")


def test_rollback_restores_every_node_once_and_then_has_nothing_to_do(fresh: Fresh, tmp_path: Path) -> None:
    nodes = {node.name: node for node in fresh(*WORKERS)}
    before = {name: node.snapshot() for name, node in nodes.items()}
    run = rollout("--group", "workers").json["run"]
    assert run
    # The controller is another copy of the project, which has seen nothing of the rollout.
    clone = tmp_path / "clone"
    shutil.copytree(PROJECT, clone, ignore=shutil.ignore_patterns(".*", "runs", "tests", "inventory-lab"))

    ran = fleet("rollback", "--group", "workers", "--yes", "--json", project=clone)

    assert ran.exit == 0, ran.stderr
    assert ran.outcomes == {"worker-1": "unchanged"} | dict.fromkeys(WORKERS[1:], "rolled_back")
    for name, node in nodes.items():
        assert node.snapshot() == before[name]
        assert node.cri == "ok"
        if name != "worker-1":
            assert ran.json["nodes"][name]["run"] == run
            assert f"restored {CONFIG}" in ran.reason(name)
            assert "CRI: ok" in ran.reason(name)

    pids = {name: node.pid for name, node in nodes.items()}
    again = rollback("--group", "workers")
    assert again.exit == 0
    assert again.outcomes == dict.fromkeys(WORKERS, "unchanged")
    assert all("nothing to do" in again.reason(name) for name in WORKERS)
    assert {name: node.pid for name, node in nodes.items()} == pids
    assert {name: node.snapshot() for name, node in nodes.items()} == before


def test_files_that_somebody_edited_since_are_shown_and_kept(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    before = node.snapshot()
    assert canary("worker-4").exit == 0
    node.sh(f"printf '%s\\n' '# by hand' '# password = \"hunter2\"' >>{CONFIG}")
    edited = node.snapshot()

    ran = rollback("--host", "worker-4")
    assert (ran.exit, ran.outcomes) == (1, {"worker-4": "failed"})
    assert f"changed {CONFIG}" in ran.reason("worker-4")
    assert "--force" in ran.reason("worker-4")
    assert "+# by hand" in ran.json["nodes"]["worker-4"]["diff"]
    assert "hunter2" not in ran.stdout + ran.stderr
    assert node.snapshot() == edited

    forced = rollback("--host", "worker-4", "--force")
    assert (forced.exit, forced.outcomes) == (0, {"worker-4": "rolled_back"})
    assert node.snapshot() == before
    saved = node.sh("cat /var/lib/containerd-fleet/current/replaced-*/etc/containerd/config.toml")
    assert "# by hand" in saved
    assert "config_path" in saved


def test_a_containerd_of_another_version_is_not_given_old_files_unasked(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    assert canary("worker-2").exit == 0
    node.sh("mv /usr/bin/containerd /usr/bin/containerd.real")
    node.write(
        "/usr/bin/containerd",
        '#!/bin/sh\ncase "$*" in *--version*) echo "containerd example.org/containerd 1.7.99 abc"; exit ;; esac\n'
        'exec /usr/bin/containerd.real "$@"\n',
    )
    node.sh("chmod 755 /usr/bin/containerd")
    ran = rollback("--host", "worker-2")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "1.7.99" in ran.reason("worker-2")
    assert "config_path" in node.config
    assert rollback("--host", "worker-2", "--force").outcomes == {"worker-2": "rolled_back"}
    assert node.snapshot() == before


def test_an_older_run_can_be_named_and_is_refused_where_a_newer_one_wrote_since(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    first = canary("worker-2").json["run"]
    node.sh("rm /etc/containerd/certs.d/quay.io/hosts.toml")
    assert canary("worker-2").exit == 0
    node.sh(f"echo '# newer' >>{CONFIG}")
    ran = rollback("--host", "worker-2", "--run", first)
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert ran.json["nodes"]["worker-2"]["run"] == first


def test_a_run_that_the_node_does_not_know(fresh: Fresh) -> None:
    fresh("worker-2")
    ran = rollback("--host", "worker-2", "--run", "20200101T000000Z-abcd")
    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "unchanged"})
    assert "no such transaction" in ran.reason("worker-2")


def test_a_person_on_the_console_needs_only_the_script(fresh: Fresh) -> None:
    [node] = fresh("worker-5")
    before = node.snapshot()
    assert canary("worker-5").exit == 0
    said = node.sh("sh /var/lib/containerd-fleet/current/rollback")
    assert said.splitlines()[-1] == "CRI: ok"
    assert node.snapshot() == before
    assert node.sh("sh /var/lib/containerd-fleet/current/rollback").splitlines() == [
        "nothing to do: the files are those from before the run",
        "CRI: ok",
    ]


def test_an_option_that_there_is_not_does_nothing(fresh: Fresh) -> None:
    [node] = fresh("worker-5")
    assert canary("worker-5").exit == 0
    before = node.snapshot()
    said = node.sh("sh /var/lib/containerd-fleet/current/rollback --help; echo $?").splitlines()
    assert said == ["refused: --help is no option; they are --force, --revert and --boot", "4"]
    assert node.snapshot() == before


def test_a_config_that_somebody_deleted_comes_back(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    before = node.snapshot()
    assert canary("worker-3").exit == 0
    node.sh(f"rm {CONFIG}")
    assert rollback("--host", "worker-3").outcomes == {"worker-3": "failed"}
    assert rollback("--host", "worker-3", "--force").outcomes == {"worker-3": "rolled_back"}
    assert node.snapshot() == before


def test_a_full_disk_keeps_the_node_as_it_was_migrated_and_says_so(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    first = node.snapshot()
    node.sh(
        "cp -a /etc/containerd /tmp/containerd && mount -t tmpfs -o size=8m,mode=755 tmpfs /etc/containerd && "
        "cp -a /tmp/containerd/. /etc/containerd/"
    )
    assert canary("worker-3").exit == 0
    node.sh("dd if=/dev/zero of=/etc/containerd/filler bs=4k 2>/dev/null || true")
    before = node.snapshot()
    ran = rollback("--host", "worker-3")
    assert (ran.exit, ran.outcomes) == (3, {"worker-3": "failed"})
    assert "No space left on device" in ran.reason("worker-3")
    assert (node.snapshot(), node.cri) == (before, "ok")
    node.sh("rm /etc/containerd/filler")
    assert rollback("--host", "worker-3").outcomes == {"worker-3": "rolled_back"}
    assert node.snapshot() == first


def test_a_rollback_whose_end_is_not_known_is_not_called_harmless(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    assert canary("worker-2").exit == 0
    node.write("/etc/systemd/system/containerd.service.d/10-slow.conf", "[Service]\nExecStartPre=/bin/sleep 5\n")
    node.sh("systemctl daemon-reload")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(rollback, "--host", "worker-2")
        while node.sh("cat /var/lib/containerd-fleet/current/state") != "rolling_back\n":
            time.sleep(0.1)
        sessions = "grep -lz '^sshd.*notty' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"
        node.sh(f"kill $({sessions})")
        ran = running.result()
    assert (ran.exit, ran.outcomes) == (3, {"worker-2": "failed"})
    assert "not known" in ran.reason("worker-2")
    assert rollback("--host", "worker-2").exit == 0


def test_a_directory_that_somebody_else_uses_stays(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    assert canary("worker-3").exit == 0
    node.write("/etc/containerd/certs.d/example.org/hosts.toml", 'server = "https://example.org"\n[host]\n')
    ran = rollback("--host", "worker-3")
    assert (ran.exit, ran.outcomes) == (0, {"worker-3": "rolled_back"})
    assert "kept /etc/containerd/certs.d: it is not empty" in ran.reason("worker-3")
    assert node.sh("cd /etc/containerd/certs.d && find . -type f").split() == ["./example.org/hosts.toml"]
