"""Keys and the agent on OpenSSH's own sshd: what logs in there, and one line for what does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nornir.core.inventory import ConnectionOptions, Host

from fleet import connection
from fleet.connection import CONNECTION
from fleet.credentials import CredentialStore
from fleet.errors import CredentialError
from fleet.ssh import SshRemote
from tests.ssh import servers
from tests.ssh.conftest import USER, Fleet
from tests.ssh.door import Door, agent, make, open_door
from tests.ssh.servers import LOOPBACK


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    if servers.SSHD is None:
        pytest.skip("no sshd on this machine: install openssh-server")
    with open_door(tmp_path_factory.mktemp("keys")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process of its own as to what it has loaded; none has an agent unless it starts one."""
    monkeypatch.setattr(connection, "_store", CredentialStore())
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.mark.parametrize("name", ["key", "rsa", "signed", "signed-cert.pub"])
def test_keys_that_log_in(door: Door, name: str) -> None:
    assert door.knock(key_file=str(door.directory / name)) == "works\n"


def copy(name: str, mode: int = 0o600) -> Callable[[Door, Path], Path]:
    def copied(door: Door, directory: Path) -> Path:
        path = directory / "copy"
        shutil.copy(door.directory / name, path)
        path.chmod(mode)
        return path

    return copied


def content(text: str) -> Callable[[Door, Path], Path]:
    def written(_: Door, directory: Path) -> Path:
        path = directory / "key"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return written


def cut_off(door: Door, directory: Path) -> Path:
    return content((door.directory / "key").read_text()[:200])(door, directory)


def of_another_format(_: Door, directory: Path) -> Path:
    return make(directory, "key", "rsa", "", "-m", "PKCS8")


def certificate_of_garbage(door: Door, directory: Path) -> Path:
    (directory / "copy-cert.pub").write_text("garbage\n")
    return copy("key")(door, directory)


def a_pipe(_: Door, directory: Path) -> Path:
    os.mkfifo(directory / "pipe")
    return directory / "pipe"


NOT_USABLE: dict[str, tuple[Callable[[Door, Path], Path], str]] = {
    "missing": (lambda _, at: at / "key", "key_file PATH does not exist; correct key_file in the inventory"),
    "a directory": (lambda _, at: at, "key_file PATH is not a regular file; name the file of a private key"),
    "a pipe": (a_pipe, "key_file PATH is not a regular file; name the file of a private key"),
    "garbage": (
        content("garbage"),
        "key_file PATH is no private key; name one in OpenSSH's format, as ssh-keygen makes it",
    ),
    "empty": (content(""), "key_file PATH is no private key; name one in OpenSSH's format, as ssh-keygen makes it"),
    "cut off": (cut_off, "key_file PATH is damaged: no key can be read from it; restore it, or make a new key"),
    "public": (
        copy("rsa.pub"),
        "key_file PATH is a public key; name the private key that belongs to it, usually the same name without .pub",
    ),
    "PuTTY's": (
        content("PuTTY-User-Key-File-3: ssh-ed25519\n"),
        "key_file PATH is PuTTY's; convert it: puttygen PATH -O private-openssh -o FILE",
    ),
    "PKCS#8": (
        of_another_format,
        "key_file PATH is in PKCS#8, which is not supported; convert it: ssh-keygen -p -f PATH",
    ),
    "readable by others": (copy("key", 0o640), "key_file PATH may be used by others (mode 0640); chmod 600 PATH"),
    "a certificate of garbage": (
        certificate_of_garbage,
        "certificate PATH-cert.pub is damaged; have the key signed again, or remove the certificate",
    ),
    "a passphrase": (
        copy("locked"),
        "key_file PATH has a passphrase, and there is no agent (SSH_AUTH_SOCK); start one, and add it with "
        "ssh-add PATH",
    ),
}


@pytest.mark.parametrize("case", NOT_USABLE)
def test_a_key_file_that_cannot_be_used(door: Door, tmp_path: Path, case: str) -> None:
    prepare, message = NOT_USABLE[case]
    path = prepare(door, tmp_path)
    assert door.refusal(key_file=str(path)) == message.replace("PATH", str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a while")
def test_a_key_file_of_another_user(door: Door, tmp_path: Path) -> None:
    path = copy("key")(door, tmp_path)
    for parent in [*path.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(65534)
    try:
        refusal = door.refusal(key_file=str(path))
    finally:
        os.seteuid(0)
    assert refusal == (
        f"key_file {path} cannot be read: Permission denied; it has to be a file that this user may read"
    )


def test_an_unauthorised_key(door: Door) -> None:
    key = str(door.directory / "stranger")
    assert door.refusal(key_file=key) == (
        f"{LOOPBACK}:{door.port} refused the login of {USER} with {key}; add its public key to authorized_keys there"
    )


@pytest.mark.parametrize("name", ["locked", "pem-locked"])
def test_a_passphrase_is_the_agents_affair(door: Door, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Other keys that the agent has are not tried: sshd would count them."""
    others = [door.directory / other for other in ("stranger", "stranger-2", "ca")]
    with agent(*others, door.directory / f"un{name}") as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert door.knock(key_file=str(door.directory / name)) == "works\n"


def test_a_passphrase_that_the_agent_cannot_help_with(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    key = door.directory / "locked"
    add = f"add it with ssh-add {key}"
    with agent(door.directory / "key") as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert (
            door.refusal(key_file=str(key)) == f"key_file {key} has a passphrase, and the agent does not have it; {add}"
        )
        refusal = door.refusal(key_file=str(key), use_agent=False)
    assert refusal == f"key_file {key} has a passphrase, and use_agent is false; leave that out, and {add}"


class TestAgent:
    """``use_agent: true``, in a home directory without keys."""

    @pytest.fixture(autouse=True)
    def home(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))

    def test_its_keys_log_in(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        with agent(door.directory / "rsa") as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            assert door.knock(use_agent=True) == "works\n"

    def test_none(self, door: Door) -> None:
        assert door.refusal(use_agent=True) == (
            "no agent: SSH_AUTH_SOCK is not set; start one with eval $(ssh-agent), and add a key with ssh-add, "
            "or name a key_file"
        )

    def test_one_that_is_gone(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        with agent() as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert door.refusal(use_agent=True) == (
            f"no agent answers at {path} of SSH_AUTH_SOCK ([Errno 2] No such file or directory); "
            "start one with eval $(ssh-agent), and add a key with ssh-add"
        )

    def test_one_without_keys(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        with agent() as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            refusal = door.refusal(use_agent=True)
        assert refusal == f"the agent at {path} has no keys, or is locked; see ssh-add -l, and add one with ssh-add"

    def test_one_without_keys_does_no_harm_beside_a_file(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        with agent() as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            assert door.knock(use_agent=True, key_file=str(door.directory / "key")) == "works\n"

    def test_one_that_lost_its_key_since(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        with agent(door.directory / "key") as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            assert door.knock(use_agent=True) == "works\n"
            subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True)
            refusal = door.refusal(use_agent=True)
        assert refusal == f"the agent at {path} does not sign with a key that it has; see ssh-add -l"

    def test_one_with_more_keys_than_sshd_takes(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        names = ("stranger", "stranger-2", "ca", "key")
        with agent(*(door.directory / name for name in names)) as path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            refusal = door.refusal(use_agent=True)
        assert refusal == (
            f"{LOOPBACK}:{door.port} hung up after 2 keys, see MaxAuthTries of its sshd; "
            "name the key_file that it takes"
        )

    def test_no_key_at_all(self, door: Door) -> None:
        assert door.refusal() == "no key to log in with; name a key_file, or set use_agent: true"


def test_nothing_is_sent_to_a_server_whose_files_are_missing(tmp_path: Path) -> None:
    """The credentials come first: no server is asked for a login that cannot be."""
    asked: list[object] = []
    with servers.accepting(asked.append) as port:
        options = {"key_file": str(tmp_path / "none"), "known_hosts": str(tmp_path / "none")}
        connections = {CONNECTION: ConnectionOptions(platform="linux", extras=options)}
        host = Host("node", hostname=LOOPBACK, port=port, username=USER, connection_options=connections)
        with pytest.raises(CredentialError, match="does not exist"):
            SshRemote(host).connect()
    assert asked == []


@pytest.mark.parametrize(("name", "reason"), [("locked", "has a passphrase"), ("authorised", "is a public key")])
def test_a_command_reports_each_node_unreachable(
    door: Door, loopback: Fleet, tmp_path: Path, name: str, reason: str
) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(loopback.inventory, inventory)
    for file in inventory.glob("*.yaml"):
        text = re.sub(r"key_file: \S+", f"key_file: {door.directory / name}", file.read_text())
        file.write_text(text)
    ran = Fleet(inventory).run("status", "--limit", "healthy-1,behind-1")
    assert ran.exit == 4
    assert [reason in node["cri"] for node in ran.nodes.values()] == [True, True]
    assert "internal error" not in ran.stdout + ran.stderr
