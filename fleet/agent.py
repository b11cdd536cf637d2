"""The keys of an ssh-agent, used by many logins at once."""

from __future__ import annotations

import os
import socket
import struct
from typing import BinaryIO

import paramiko
from paramiko.agent import SSH2_AGENT_SIGN_RESPONSE, AgentKey, AgentSSH, cSSH2_AGENTC_SIGN_REQUEST

from fleet.errors import CredentialError

AGENT_SECONDS = 10.0
"""For one answer of the agent. Keys that ask their owner each time (``ssh-add -c``) have to be confirmed within it."""
START = "start one with eval $(ssh-agent), and add a key with ssh-add"
_LONGEST_ANSWER = 1 << 20


def socket_path() -> str:
    """Return where the agent of this session listens, empty where there is none."""
    return os.environ.get("SSH_AUTH_SOCK", "")


def agent_keys() -> tuple[AgentKey, ...]:
    """Return the keys of the agent, at least one. Raises ``CredentialError`` with what to do."""
    path = socket_path()
    if not path:
        raise CredentialError(f"no agent: SSH_AUTH_SOCK is not set; {START}, or name a key_file")
    try:
        keys = _Agent(path).get_keys()
    except (paramiko.SSHException, ValueError, IndexError, struct.error) as error:
        raise CredentialError(f"what answers at {path} of SSH_AUTH_SOCK is no agent ({error}); {START}") from error
    if not keys:
        raise CredentialError(
            f"the agent at {path} has no keys, or is locked; see ssh-add -l, and add one with ssh-add"
        )
    return keys


class _Agent(AgentSSH):
    """paramiko's, with a connection for each question: its own has one, and answers of several threads get mixed up."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._connect(None)  # type: ignore[attr-defined]  # asks for the keys

    def _send_message(self, message: paramiko.Message | bytes) -> tuple[int, paramiko.Message]:
        question = bytes(message)
        try:
            code, answer = self._ask(question)
        except (OSError, paramiko.SSHException) as error:
            raise CredentialError(f"no agent answers at {self._path} of SSH_AUTH_SOCK ({error}); {START}") from error
        if question.startswith(cSSH2_AGENTC_SIGN_REQUEST) and code != SSH2_AGENT_SIGN_RESPONSE:
            raise CredentialError(f"the agent at {self._path} does not sign with a key that it has; see ssh-add -l")
        return code, answer

    def _ask(self, question: bytes) -> tuple[int, paramiko.Message]:
        with socket.socket(socket.AF_UNIX) as wire, wire.makefile("rb") as source:
            wire.settimeout(AGENT_SECONDS)
            wire.connect(self._path)
            wire.sendall(struct.pack(">I", len(question)) + question)
            (length,) = struct.unpack(">I", _exactly(source, 4))
            if not 0 < length <= _LONGEST_ANSWER:
                raise paramiko.SSHException("its answer is none of an agent's")
            answer = paramiko.Message(_exactly(source, length))
        return ord(answer.get_byte()), answer


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise paramiko.SSHException("it hangs up")
    return data
