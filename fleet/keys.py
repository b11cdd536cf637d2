"""The private keys that the controller logs in with, from files and from the agent."""

from __future__ import annotations

import base64
import os
import re
import shlex
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.pkey import PublicBlob, UnknownKeyType

from fleet.agent import agent_keys, socket_path
from fleet.errors import CredentialError

DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")
"""What is looked for in ``~/.ssh`` where no key is named."""
_CERTIFICATE = "-cert.pub"
_MAGIC = b"openssh-key-v1\0"
_LONGEST = 1 << 20


class EncryptedKey(CredentialError):
    """The file's key has a passphrase; ``blob`` is its public half, empty where that is not known."""

    def __init__(self, message: str, blob: bytes = b"") -> None:
        super().__init__(message)
        self.blob = blob


@dataclass(frozen=True)
class LoginKeys:
    """The keys to log in with, in the order in which they are tried; ``source`` says where they are from."""

    keys: tuple[paramiko.PKey, ...]
    source: str


def login_keys(key_file: str | None, use_agent: bool | None) -> LoginKeys:
    """Return the keys for the settings of an inventory. Raises ``CredentialError`` where there is none.

    A ``key_file`` with a passphrase is used through the agent, where that has its key and ``use_agent`` is not false.
    """
    if key_file:
        keys = [_unlocked(Path(key_file).expanduser(), use_agent)]
        if use_agent:
            with suppress(CredentialError):  # the file is enough
                keys += [key for key in agent_keys() if key.asbytes() != keys[0].asbytes()]
        return LoginKeys(tuple(keys), f"{key_file} and the agent's keys" if len(keys) > 1 else key_file)
    faults: list[str] = []
    found: list[paramiko.PKey] = []
    if use_agent:
        try:
            found += agent_keys()
        except CredentialError as error:
            faults.append(str(error))
    found += _of_home(use_agent, faults)
    if not found:
        raise CredentialError("; ".join(faults) or "no key to log in with; name a key_file, or set use_agent: true")
    return LoginKeys(tuple(found), "the agent's keys and those in ~/.ssh" if use_agent else "the keys in ~/.ssh")


def private_key(path: Path) -> paramiko.PKey:
    """Return the key in the file ``path``, with the certificate beside it where there is one.

    Raises ``CredentialError`` with what to do, and ``EncryptedKey`` where it has a passphrase.
    """
    file = path.with_name(path.name.removesuffix(_CERTIFICATE))
    name = f"key_file {file}"
    data, mode = _read(file)
    if why := _no_private_key(data, file) or _unguarded(mode, file):
        raise CredentialError(f"{name} {why}")
    _check_certificate(path.with_name(file.name + _CERTIFICATE), named=path != file)
    try:
        return paramiko.PKey.from_path(str(file))
    except (TypeError, paramiko.PasswordRequiredException):
        raise EncryptedKey(f"{name} has a passphrase", _public_half(data, file)) from None
    except (UnsupportedAlgorithm, UnknownKeyType):
        raise CredentialError(f"{name} has a key of a type that is not supported; use ed25519, ecdsa or rsa") from None
    except (ValueError, IndexError, struct.error, paramiko.SSHException) as error:
        raise CredentialError(
            f"{name} is damaged: no key can be read from it; restore it, or make a new key"
        ) from error


def _unlocked(path: Path, use_agent: bool | None) -> paramiko.PKey:
    """Return the key of a file, or the agent's where the file's has a passphrase."""
    try:
        return private_key(path)
    except EncryptedKey as error:
        add = f"add it with ssh-add {shlex.quote(str(path))}"
        if use_agent is False:
            raise CredentialError(f"{error}, and use_agent is false; leave that out, and {add}") from None
        if not socket_path():
            raise CredentialError(f"{error}, and there is no agent (SSH_AUTH_SOCK); start one, and {add}") from None
        try:
            held = [key for key in agent_keys() if error.blob and key.asbytes() == error.blob]
        except CredentialError as of_agent:
            raise CredentialError(f"{error}, and {of_agent}") from None
        if not held:
            raise CredentialError(f"{error}, and the agent does not have it; {add}") from None
        return held[0]


def _of_home(use_agent: bool | None, faults: list[str]) -> Iterator[paramiko.PKey]:
    for name in DEFAULTS:
        path = Path("~/.ssh").expanduser() / name
        if path.is_file():
            try:
                yield _unlocked(path, use_agent)
            except CredentialError as error:
                faults.append(str(error))


def _read(path: Path) -> tuple[bytes, int]:
    """Return what the file of a key has, and its mode: 0 where another user owns it, as root may for a service."""
    name = f"key_file {path}"
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CredentialError(f"{name} is not a regular file; name the file of a private key")
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except FileNotFoundError:
        raise CredentialError(f"{name} does not exist; correct key_file in the inventory") from None
    except OSError as error:
        why = f"{name} cannot be read: {error.strerror}; it has to be a file that this user may read"
        raise CredentialError(why) from error
    return data, stat.S_IMODE(status.st_mode) if status.st_uid == os.geteuid() else 0


def _unguarded(mode: int, path: Path) -> str:
    """Return that others may use the key, as OpenSSH refuses it, empty where they may not."""
    if not mode & 0o077:
        return ""
    return f"may be used by others (mode {mode:04o}); chmod 600 {shlex.quote(str(path))}"


def _no_private_key(data: bytes, path: Path) -> str:
    """Return what a file is instead that was taken for a private key, empty where it may be one."""
    if re.match(rb"(ssh|ecdsa|sk)-\S+ AAAA|---- BEGIN SSH2 PUBLIC|-----BEGIN (RSA )?PUBLIC", data):
        return "is a public key; name the private key that belongs to it, usually the same name without .pub"
    if data.startswith(b"PuTTY-User-Key-File"):
        return f"is PuTTY's; convert it: puttygen {shlex.quote(str(path))} -O private-openssh -o FILE"
    if re.search(rb"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----", data):
        return f"is in PKCS#8, which is not supported; convert it: ssh-keygen -p -f {shlex.quote(str(path))}"
    if b"PRIVATE KEY-----" not in data:
        return "is no private key; name one in OpenSSH's format, as ssh-keygen makes it"
    return ""


def _check_certificate(path: Path, *, named: bool) -> None:
    """Raise ``CredentialError`` where ``path`` is no certificate, or is ``named`` and does not exist."""
    if not named and not path.exists():
        return
    try:
        PublicBlob.from_file(str(path))
    except OSError as error:
        raise CredentialError(f"certificate {path} cannot be read: {error.strerror}; correct key_file") from error
    except (ValueError, IndexError, struct.error, paramiko.SSHException) as error:
        why = f"certificate {path} is damaged; have the key signed again, or remove the certificate"
        raise CredentialError(why) from error


def _public_half(data: bytes, path: Path) -> bytes:
    """Return the public key of an encrypted one: OpenSSH's format has it, else the file beside it, or empty."""
    armoured = b"".join(line for line in data.splitlines() if not line.startswith(b"-----"))
    with suppress(ValueError):
        message = paramiko.Message(base64.b64decode(armoured))
        if message.get_bytes(len(_MAGIC)) == _MAGIC:
            for _ in ("cipher", "kdf", "its options"):
                message.get_binary()
            message.get_int()  # the number of keys: one
            return message.get_binary()
    with suppress(OSError, ValueError, IndexError, paramiko.SSHException):
        return bytes(PublicBlob.from_file(f"{path}.pub").key_blob)
    return b""
