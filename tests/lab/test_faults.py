"""What a node can lack: each gives one line that says what to do, and leaves no half-done change."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from tests.lab.nodes import CONFIG, Inventory, LabNode, canary, fleet, rollback, rollout

Fresh = Callable[..., list[LabNode]]
FLEET = "/var/lib/containerd-fleet"
KNOWN_HOSTS = "known_hosts: /var/lib/containerd-fleet-lab/ssh/known_hosts"
KEY_FILE = "key_file: /var/lib/containerd-fleet-lab/ssh/id_ed25519"


def new_key(directory: Path) -> Path:
    key = directory / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def no_answer(inventory: Inventory, _: Path) -> None:
    inventory.replace("hosts.yaml", "198.18.20.22", "198.18.20.99")


def no_such_name(inventory: Inventory, _: Path) -> None:
    inventory.replace("hosts.yaml", "198.18.20.22", "worker-2.invalid")


def closed_port(inventory: Inventory, _: Path) -> None:
    inventory.replace("hosts.yaml", "198.18.20.22, port: 22", "198.18.20.22, port: 2222")


def unknown_host_key(inventory: Inventory, directory: Path) -> None:
    (directory / "known_hosts").write_text("")
    inventory.replace("defaults.yaml", KNOWN_HOSTS, f"known_hosts: {directory / 'known_hosts'}")


def no_known_hosts(inventory: Inventory, directory: Path) -> None:
    inventory.replace("defaults.yaml", KNOWN_HOSTS, f"known_hosts: {directory / 'nothing'}")


def changed_host_key(inventory: Inventory, directory: Path) -> None:
    kind, key, *_ = new_key(directory).with_suffix(".pub").read_text().split()
    (directory / "known_hosts").write_text(f"198.18.20.22 {kind} {key}\n")
    inventory.replace("defaults.yaml", KNOWN_HOSTS, f"known_hosts: {directory / 'known_hosts'}")


def refused_key(inventory: Inventory, directory: Path) -> None:
    inventory.replace("defaults.yaml", KEY_FILE, f"key_file: {new_key(directory)}")


def missing_key(inventory: Inventory, directory: Path) -> None:
    inventory.replace("defaults.yaml", KEY_FILE, f"key_file: {directory / 'nothing'}")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (no_answer, ["nothing answers on 198.18.20.99:22"]),
        (no_such_name, ["worker-2.invalid does not resolve", "hosts.yaml"]),
        (closed_port, ["nothing answers on 198.18.20.22:2222"]),
        (unknown_host_key, ["is not in", "ssh-keyscan -p 22 198.18.20.22"]),
        (no_known_hosts, ["known_hosts", "does not exist", "ssh-keyscan"]),
        (changed_host_key, ["is not the one in", "ssh-keygen -R 198.18.20.22"]),
        (refused_key, ["refused the login of root", "authorized_keys"]),
        (missing_key, ["key_file", "does not exist"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_node_that_cannot_be_reached(
    fresh: Fresh, inventory: Inventory, tmp_path: Path, fault: Callable[[Inventory, Path], None], says: list[str]
) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    fault(inventory, tmp_path)
    for ran in (canary("worker-2", *inventory.option), rollback("--host", "worker-2", *inventory.option)):
        assert (ran.exit, ran.outcomes) == (4, {"worker-2": "unreachable"})
        for words in says:
            assert words in ran.reason("worker-2")
    assert node.snapshot() == before
    assert node.transactions() == []


def test_one_unreachable_node_does_not_keep_the_others_from_their_caches(fresh: Fresh, inventory: Inventory) -> None:
    fresh("worker-2", "worker-3")
    no_answer(inventory, Path())
    ran = rollout("--group", "containerd-1.7", *inventory.option)
    assert ran.exit == 4
    assert ran.outcomes == {"worker-2": "unreachable", "worker-3": "migrated"}


def missing_config(node: LabNode) -> None:
    node.sh(f"rm {CONFIG}")


def not_toml(node: LabNode) -> None:
    node.sh(f"echo '[plugins' >>{CONFIG}")


def not_text(node: LabNode) -> None:
    node.sh(f"printf '\\377\\376' >{CONFIG}")


def not_installed(node: LabNode) -> None:
    node.sh(
        "systemctl stop containerd && rm /usr/bin/containerd /lib/systemd/system/containerd.service && "
        "systemctl daemon-reload"
    )


def not_running(node: LabNode) -> None:
    node.sh("systemctl stop containerd")


def cri_disabled(node: LabNode) -> None:
    node.sh(f"sed -i 's/^version = 2/version = 2\\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]/' {CONFIG}")
    node.sh("systemctl restart containerd")


def cri_broken(node: LabNode) -> None:
    registry = '[plugins."io.containerd.grpc.v1.cri".registry]'
    node.write(CONFIG, node.config.replace(registry, f'{registry}\n      config_path = "/etc/containerd/certs.d"'))
    node.sh("systemctl restart containerd")


def unit_changed(node: LabNode) -> None:
    node.write("/etc/systemd/system/containerd.service.d/10-limits.conf", "[Service]\nLimitNOFILE=1048576\n")


def full_fleet_disk(node: LabNode) -> None:
    node.sh(
        f"mkdir -p {FLEET} && mount -t tmpfs -o size=16k,mode=700 tmpfs {FLEET} && "
        f"(dd if=/dev/zero of={FLEET}/filler bs=4k 2>/dev/null || true)"
    )


def full_etc(node: LabNode) -> None:
    node.sh(
        "cp -a /etc/containerd /tmp/containerd && mount -t tmpfs -o size=16k,mode=755 tmpfs /etc/containerd && "
        "cp -a /tmp/containerd/. /etc/containerd/ && "
        "(dd if=/dev/zero of=/etc/containerd/filler bs=4k 2>/dev/null || true)"
    )


def read_only_etc(node: LabNode) -> None:
    node.sh("mount --bind /etc/containerd /etc/containerd && mount -o remount,ro,bind /etc/containerd")


def read_only_var(node: LabNode) -> None:
    node.sh(f"mkdir -p {FLEET} && mount --bind {FLEET} {FLEET} && mount -o remount,ro,bind {FLEET}")


REFUSED = [
    (missing_config, [CONFIG, "does not exist", "containerd config default"]),
    (not_toml, [CONFIG, "line"]),
    (not_text, [CONFIG, "not UTF-8"]),
    (not_installed, ["containerd is not installed"]),
    (not_running, ["containerd is not running", "systemctl status containerd"]),
    (cri_disabled, ["CRI was not ok before this run"]),
    (cri_broken, ["CRI was not ok before this run", "`mirrors` cannot be set when `config_path` is provided"]),
    (unit_changed, ["systemctl daemon-reload"]),
    (full_fleet_disk, [f"{FLEET} is on {FLEET}, which has 0 KiB free", "make room there"]),
    (full_etc, ["/etc/containerd is on /etc/containerd, which has 0 KiB free", "make room there"]),
    (read_only_etc, ["Read-only file system"]),
    (read_only_var, ["Read-only file system"]),
]


@pytest.mark.parametrize(
    ("name", "fault", "says"),
    [(name, *row) for name, row in zip(cycle(["worker-2", "worker-4"]), REFUSED, strict=False)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_node_that_cannot_be_migrated(
    fresh: Fresh, name: str, fault: Callable[[LabNode], None], says: list[str]
) -> None:
    [node] = fresh(name)
    fault(node)
    before, pid = node.snapshot(), node.pid
    ran = canary(name)
    assert (ran.exit, ran.outcomes) == (1, {name: "failed"})
    for words in says:
        assert words in ran.reason(name)
    assert (node.snapshot(), node.pid) == (before, pid)
    assert node.transactions() in ([], ["filler"])


def test_sudo_that_asks_for_a_password(fresh: Fresh, inventory: Inventory) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    inventory.replace("defaults.yaml", "username: root", "username: nosudo")
    ran = canary("worker-2", *inventory.option)
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    assert "sudo -n is refused for nosudo" in ran.reason("worker-2")
    assert node.snapshot() == before


def test_a_skipped_node_is_not_held_up_by_its_health(fresh: Fresh) -> None:
    [node] = fresh("worker-1")
    cri_disabled(node)
    ran = canary("worker-1")
    assert (ran.exit, ran.outcomes) == (0, {"worker-1": "skipped"})


def test_a_containerd_that_does_not_start_is_rolled_back(fresh: Fresh) -> None:
    [node] = fresh("worker-3")
    before = node.snapshot()
    # Starts on the old file only.
    node.write(
        "/etc/systemd/system/containerd.service.d/10-check.conf",
        f"[Service]\nExecStartPre=/bin/grep -q mirrors {CONFIG}\n",
    )
    node.sh("systemctl daemon-reload")
    ran = canary("worker-3")
    assert (ran.exit, ran.outcomes) == (1, {"worker-3": "rolled_back"})
    assert node.snapshot() == before
    assert node.cri == "ok"


def test_a_node_that_cannot_be_healed_is_exit_3_with_what_to_type(fresh: Fresh) -> None:
    """Here containerd starts neither on the new file nor, once stopped, on the old one."""
    [node] = fresh("worker-3")
    first = canary("worker-3").json["run"]
    before = node.config
    node.write("/etc/systemd/system/containerd.service.d/10-no.conf", "[Service]\nExecStartPre=/bin/false\n")
    # It is as the first run left it, and is to be restarted only.
    node.sh(f"systemctl daemon-reload; touch {CONFIG}")
    ran = canary("worker-3")
    assert (ran.exit, ran.outcomes) == (3, {"worker-3": "failed"})
    assert "NOT rolled back" in ran.reason("worker-3")
    # The run that failed, not the newest that changed files.
    assert ran.json["run"] != first
    assert ran.reason("worker-3").endswith(f"on its console: sh {FLEET}/{ran.json['run']}/rollback")
    # The files are the old ones all the same, and the node heals as soon as the fault is gone.
    assert node.config == before
    node.sh("rm /etc/systemd/system/containerd.service.d/10-no.conf; systemctl daemon-reload")
    assert rollback("--host", "worker-3", "--run", ran.json["run"]).exit == 0
    assert node.cri == "ok"


def test_an_inventory_mistake_is_found_before_any_connection(inventory: Inventory) -> None:
    inventory.replace("hosts.yaml", "198.18.20.22, port: 22", "198.18.20.22, prot: 22")
    ran = fleet("rollout", "--group", "workers", "--json", *inventory.option)
    assert ran.exit == 2
    assert ran.json["error"] == {
        "file": str(inventory.directory / "hosts.yaml"),
        "host": "worker-2",
        "key": "prot",
        "message": "unknown key; did you mean port?",
    }


def no_namespaces(node: LabNode) -> None:
    """A stand-in for systemd on a kernel or in a container where it may make none."""
    node.sh("mv /usr/bin/systemd-run /usr/bin/systemd-run.real")
    node.write(
        "/usr/bin/systemd-run",
        '#!/bin/sh\ncase "$*" in *PrivateNetwork*) exit 226 ;; esac\nexec /usr/bin/systemd-run.real "$@"\n',
    )
    node.sh("chmod 755 /usr/bin/systemd-run")


def spoilt_since(node: LabNode) -> None:
    """Whatever is restarted there fails alike, with the new file and with the old one."""
    node.write("/etc/containerd/spec.json", "{}")
    runc = '.containerd.runtimes.runc]\n        base_runtime_spec = "/etc/containerd/spec.json"'
    node.write(CONFIG, node.config.replace(".containerd.runtimes.runc]", runc))
    node.restart()
    node.sh("echo '[' >/etc/containerd/spec.json")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(no_namespaces, ["cannot be tried", "systemd cannot make namespaces"], id="no sandbox"),
        pytest.param(spoilt_since, ["inconclusive", "spec.json"], id="both fail alike"),
    ],
)
def test_a_node_that_cannot_prove_its_new_files_needs_without_proof(
    fresh: Fresh, fault: Callable[[LabNode], None], says: list[str]
) -> None:
    [node] = fresh("worker-2")
    fault(node)
    before, pid = node.snapshot(), node.pid
    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed"})
    for words in [*says, "--without-proof"]:
        assert words in ran.reason("worker-2")
    assert (node.snapshot(), node.pid, node.transactions()) == (before, pid, [])
    node.sh("echo '{}' >/etc/containerd/spec.json")
    assert canary("worker-2", "--without-proof").outcomes == {"worker-2": "migrated"}
