"""Host keys on OpenSSH's own sshd: known_hosts decides as it does for ssh, and one line says why one is refused."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ssh import servers
from tests.ssh.door import Door, open_door
from tests.ssh.servers import LOOPBACK


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    if servers.SSHD is None:
        pytest.skip("no sshd on this machine: install openssh-server")
    with open_door(tmp_path_factory.mktemp("known-hosts")) as opened:
        yield opened


KNOWN = {
    "its ed25519 key": ["NAME ED25519"],
    "its RSA key only, which sshd offers as well": ["NAME RSA"],
    "both keys": ["NAME RSA", "NAME ED25519"],
    "an old key and the one that followed": ["NAME OTHER", "NAME ED25519"],
    "several names": ["elsewhere,NAME ED25519"],
    "a pattern": ["[127.0.0.?]:* ED25519"],
    "a comment": ["# comment", "", "NAME ED25519 root@node"],
    "a carriage return": ["NAME ED25519\r"],
    "a damaged line about another": ["elsewhere ssh-ed25519 AAAA", "NAME ED25519"],
    "a key that is not supported": ["NAME sk-ssh-ed25519@openssh.com AAAA", "NAME ED25519"],
    "a certificate authority as well": ["@cert-authority * OTHER", "NAME ED25519"],
    "a revoked key of another host": ["@revoked elsewhere ED25519", "NAME ED25519"],
    "an older key that is revoked": ["@revoked * OTHER", "NAME ED25519"],
}


@pytest.mark.parametrize("case", KNOWN)
def test_host_keys_that_are_known(door: Door, tmp_path: Path, case: str) -> None:
    known_hosts = door.known_hosts(tmp_path, *KNOWN[case])
    assert door.knock(key_file=str(door.directory / "key"), known_hosts=known_hosts) == "works\n"


def test_hashed_names(door: Door, tmp_path: Path) -> None:
    known_hosts = door.known_hosts(tmp_path, "NAME ED25519", "elsewhere OTHER")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known_hosts], check=True, capture_output=True)
    assert door.name not in Path(known_hosts).read_text()
    assert door.knock(key_file=str(door.directory / "key"), known_hosts=known_hosts) == "works\n"


UNKNOWN = {
    "no line": ([], r"is not in FILE \(ssh-ed25519 SHA256:\S+\); compare it on the console there, "
                    r"then add it with SCAN"),
    "without its port": ([f"{LOOPBACK} ED25519"], r"is not in FILE \(ssh-ed25519 .*SCAN"),
    "excluded": (["*,!NAME ED25519"], r"is not in FILE \(ssh-ed25519 .*SCAN"),
    "another key": (["NAME OTHER"], r"is not the one in FILE \(line 1\): somebody else may answer; .*"
                    r"then ssh-keygen -R '\[127\.0\.0\.1\]:PORT' -f FILE"),
    "another of two types": (["NAME RSA", "NAME OTHER"], r"is not the one in FILE \(line 1, 2\): .*"),
    "revoked": (["NAME ED25519", "@revoked * ED25519"],
                r"is revoked by FILE line 2: whoever has that key may answer; .*"),
    "an authority": (["@cert-authority * OTHER"],
                     r".*: line 1 has a certificate authority \(@cert-authority\), which is not supported; .*SCAN"),
    "an unsupported type": (["NAME sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t"],
                            r".*: line 1 has a key of type sk-ssh-ed25519@openssh.com, which is not supported.*"),
    "not base64": (["", "NAME ssh-ed25519 %%%"], r".*, and FILE line 2 is damaged: its key is cut off, or not .*SCAN"),
    "cut off": (["NAME ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAB"],
                r".*, and FILE line 1 is damaged: its key is cut off; .*SCAN"),
    "another type": (["NAME ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAB"],
                     r".*, and FILE line 1 is damaged: its key is not of type ssh-rsa; .*SCAN"),
    "garbage": (["\x00\x01garbage"],
                r".*, and FILE line 1 is damaged: a host, a type of key and a key are expected; .*"),
    "an unknown marker": (["NAME ED25519", "@revokd NAME ED25519"],
                          r"FILE line 2 is about .*, and is damaged: there is no marker @revokd; correct the line"),
    "a damaged revocation": (["NAME ED25519", "@revoked * ssh-ed25519 AAAA"],
                             r"FILE line 2 is about .*, and is damaged: .*; correct the line"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_host_keys_that_are_refused(door: Door, tmp_path: Path, case: str) -> None:
    lines, message = UNKNOWN[case]
    known_hosts = door.known_hosts(tmp_path, *lines)
    scan = f"ssh-keyscan -p {door.port} {LOOPBACK} >> {known_hosts}"
    pattern = message.replace("SCAN", re.escape(scan)).replace("FILE", re.escape(known_hosts))
    refusal = door.refusal(key_file=str(door.directory / "key"), known_hosts=known_hosts)
    subject = re.escape(f"the host key of {LOOPBACK}:{door.port} ")
    assert re.fullmatch(f"({subject})?{pattern.replace('PORT', str(door.port))}", refusal), refusal


def test_no_known_hosts(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    assert door.refusal(key_file=str(door.directory / "key"), known_hosts=str(path)) == (
        f"known_hosts {path} does not exist; make it with ssh-keyscan, and compare its keys on the consoles"
    )
