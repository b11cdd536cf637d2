"""However many nodes there are, keys and known_hosts are read as often as for one; and what a check finds in them."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from nornir.core.task import Result, Task

from fleet import connection
from fleet.credentials import CredentialStore, check_files
from fleet.errors import InventoryError, Unreachable
from fleet.inventory import load
from fleet.session import nornir_for
from fleet.ssh import SshRemote
from fleet.stop import Stop

DATA = {"registries": {"ghcr.io": {"upstream": "https://ghcr.io", "port": 5010, "container": "registry-ghcr"}}}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    return tmp_path / "key"


def write(directory: Path, nodes: int, **extras: Any) -> Path:
    """Write an inventory of nodes on loopback that nothing answers for, and return its directory."""
    hosts: dict[str, Any] = {"registry-vm": {"hostname": "127.2.0.1", "port": 9, "groups": ["caches"]}}
    for number in range(nodes):
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        hosts[f"worker-{number + 1}"] = {"hostname": address, "port": 9, "groups": ["containerd-2"]}
    texts: dict[str, Any] = {
        "hosts": hosts,
        "groups": {"caches": {}, "containerd-2": {"data": {"strategy": "config_path"}}},
        "defaults": {"username": "root", "connection_options": {"netmiko": {"extras": extras}}, "data": DATA},
    }
    directory.mkdir(exist_ok=True)
    for name, content in texts.items():
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return directory


def connect(task: Task) -> Result:
    SshRemote(task.host).connect()
    return Result(task.host)


def opened(inventory: Path, monkeypatch: pytest.MonkeyPatch, *files: Path) -> Counter[str]:
    """Connect to every node of ``inventory``, and return how often each of ``files`` was opened for it."""
    count: Counter[str] = Counter()
    original = Path.open

    def counting(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path in files:
            count[path.name] += 1
        return original(path, *args, **kwargs)

    fleet = load(inventory)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", counting)
        patched.setattr(connection, "_store", CredentialStore())
        stop = Stop(lambda _: None)
        with nornir_for(fleet, fleet.nodes, [], stop) as nornir:
            results = nornir.run(connect)
    reasons = [str(result.exception) for result in results.values()]
    assert len(reasons) == len(fleet.nodes)
    assert all(isinstance(result.exception, Unreachable) for result in results.values())
    assert all("no SSH connection to 127.1." in reason for reason in reasons)
    return count


def test_a_thousand_nodes_read_each_file_as_often_as_one(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"127.1.0.1 {key.with_suffix('.pub').read_text()}" * 1000)
    settings = {"key_file": str(key), "known_hosts": str(known_hosts)}
    one = opened(write(tmp_path / "one", 1, **settings), monkeypatch, key, known_hosts)
    assert one["known_hosts"] == 1
    assert one["key"] > 0
    assert opened(write(tmp_path / "all", 1000, **settings), monkeypatch, key, known_hosts) == one


def test_files_that_can_be_used(tmp_path: Path, key: Path) -> None:
    (tmp_path / "known_hosts").write_text(f"127.1.0.1 {key.with_suffix('.pub').read_text()}")
    check(tmp_path, key_file=str(key), known_hosts=str(tmp_path / "known_hosts"))


def test_a_passphrase_is_no_mistake_of_the_inventory(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(tmp_path / "locked")], check=True)
    check(tmp_path, key_file=str(tmp_path / "locked"))


@pytest.mark.parametrize(
    ("setting", "content", "message"),
    [
        ("key_file", None, "does not exist; correct key_file in the inventory"),
        ("key_file", "garbage", "is no private key"),
        ("known_hosts", None, "does not exist; make it with ssh-keyscan"),
        (
            "known_hosts",
            "# fine\nelsewhere ssh-ed25519\n",
            "known_hosts line 2 is damaged: .*correct or remove the line",
        ),
        ("known_hosts", "@revokd * ssh-ed25519 AAAA\n", "known_hosts line 1 is damaged: there is no marker @revokd"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, setting: str, content: str | None, message: str) -> None:
    path = tmp_path / setting
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    with pytest.raises(InventoryError, match=message) as refused:
        check(tmp_path, **{setting: str(path)})
    place = refused.value.place
    assert (place.host, place.key) == ("registry-vm", f"connection_options.netmiko.extras.{setting}")


def check(directory: Path, **extras: str) -> None:
    inventory = write(directory / "inventory", 2, **extras)
    check_files(load(inventory).inventory, inventory)
