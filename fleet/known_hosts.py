"""OpenSSH's known_hosts, read once: which host keys it vouches for. paramiko's own skips what it cannot read.

paramiko's takes ``@revoked`` for the name of a host, keeps one key of each type, knows no patterns, and asks a server
for one type of key only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from fleet.errors import CredentialError

REVOKED, AUTHORITY = "@revoked", "@cert-authority"
_RSA_TYPES = ("rsa-sha2-512", "rsa-sha2-256")
"""What keys of type ``ssh-rsa`` sign with."""


class UntrustedHostKey(paramiko.SSHException):
    """The server's key is not one that known_hosts vouches for; the message says what to do."""


@dataclass(frozen=True)
class Line:
    """One line of known_hosts. ``key`` is ``None`` where its type is not supported, or the line has a ``fault``."""

    number: int
    marker: str
    patterns: tuple[str, ...]
    kind: str
    key: paramiko.PKey | None
    fault: str = ""

    def concerns(self, name: str) -> bool:
        """Return whether it is about the host ``name``, as OpenSSH reads its patterns."""
        matching = [pattern for pattern in self.patterns if _matches(pattern.removeprefix("!"), name)]
        return bool(matching) and not any(pattern.startswith("!") for pattern in matching)

    @property
    def literal(self) -> bool:
        """Whether its patterns are names as they are."""
        return not any(re.search(r"[*?!|]", pattern) for pattern in self.patterns)


class KnownHosts:
    """The lines of one file, by the hosts that they are about."""

    def __init__(self, path: Path, lines: Sequence[Line]) -> None:
        self.path = path
        self.faults = tuple(line for line in lines if line.fault)
        self._by_name: dict[str, list[Line]] = defaultdict(list)
        self._patterns = [line for line in lines if not line.literal]
        for line in lines:
            if line.literal:
                for name in line.patterns:
                    self._by_name[name].append(line)

    @classmethod
    def read(cls, path: Path) -> KnownHosts:
        """Read ``path``. Raises ``CredentialError`` where that is not possible."""
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            why = f"known_hosts {path} does not exist; make it with ssh-keyscan, and compare its keys on the consoles"
            raise CredentialError(why) from None
        except OSError as error:
            raise CredentialError(f"known_hosts {path} cannot be read: {error.strerror}") from error
        numbered = ((number, line.split()) for number, line in enumerate(text.split("\n"), 1))
        return cls(path, [_line(number, words) for number, words in numbered if words and words[0][0] != "#"])

    def key_types(self, address: str, port: int) -> tuple[str, ...]:
        """Return the types of the keys that are known of a server, as they are agreed on with it."""
        keys = [line.key for line in self._about(address, port) if line.key and not line.marker]
        names = (key.get_name() for key in keys)
        return tuple(dict.fromkeys(it for name in names for it in (_RSA_TYPES if name == "ssh-rsa" else (name,))))

    def check(self, address: str, port: int, key: paramiko.PKey) -> None:
        """Accept ``key`` of the server at ``address`` and ``port``, or raise ``UntrustedHostKey``."""
        lines = self._about(address, port)
        where = f"{address}:{port}"
        for line in lines:
            if line.marker not in ("", AUTHORITY) and (line.fault or line.key == key):
                raise UntrustedHostKey(self._of_revoked(line, where))
        keys = [line for line in lines if line.key and not line.marker]
        if any(line.key == key for line in keys):
            return
        if keys:
            raise UntrustedHostKey(self._of_another(keys, where, _name(address, port)))
        scan = f"ssh-keyscan -p {port} {address} >> {self._quoted}"
        raise UntrustedHostKey(
            f"the host key of {where} is not in {self.path} ({key.get_name()} {key.fingerprint}){self._why(lines)}; "
            f"compare it on the console there, then add it with {scan}"
        )

    def _about(self, address: str, port: int) -> list[Line]:
        name = _name(address, port)
        lines = [*self._by_name.get(name, ()), *(line for line in self._patterns if line.concerns(name))]
        return sorted(lines, key=lambda line: line.number)

    def _of_revoked(self, line: Line, where: str) -> str:
        if line.fault:
            return f"{self.place(line)} is about {where}, and {line.fault}; correct the line"
        return (
            f"the host key of {where} is revoked by {self.place(line)}: whoever has that key may answer; "
            "give the node a new host key on its console"
        )

    def _of_another(self, lines: Sequence[Line], where: str, name: str) -> str:
        numbers = ", ".join(str(line.number) for line in lines)
        return (
            f"the host key of {where} is not the one in {self.path} (line {numbers}): somebody else may answer; "
            f"after a reinstallation compare its key on the console, "
            f"then ssh-keygen -R {shlex.quote(name)} -f {self._quoted}"
        )

    def _why(self, lines: Sequence[Line]) -> str:
        """Return what the file has about a host of which it has no key that could be compared."""
        for line in [line for line in lines if line.fault] or self.faults[:1]:
            return f", and {self.place(line)} {line.fault}"
        for line in lines:
            if line.marker == AUTHORITY:
                return f": line {line.number} has a certificate authority (@cert-authority), which is not supported"
            if not line.marker:
                return f": line {line.number} has a key of type {line.kind}, which is not supported"
        return ""

    def place(self, line: Line) -> str:
        """Return where ``line`` is."""
        return f"{self.path} line {line.number}"

    @property
    def _quoted(self) -> str:
        return shlex.quote(str(self.path))


def _name(address: str, port: int) -> str:
    return address.lower() if port == 22 else f"[{address.lower()}]:{port}"


def _line(number: int, words: Sequence[str]) -> Line:
    marker = words[0] if words[0].startswith("@") else ""
    fields = words[1:] if marker else words
    # A line that is cut off may have been about any host.
    names = fields[0].split(",") if fields else ["*"]
    patterns = tuple(name if name.startswith("|") else name.lower() for name in names)
    kind = fields[1] if len(fields) > 1 else ""
    key: paramiko.PKey | None = None
    fault = ""
    if marker not in ("", REVOKED, AUTHORITY):
        fault = f"is damaged: there is no marker {marker}"
    elif len(fields) < 3:
        fault = "is damaged: a host, a type of key and a key are expected"
    elif not kind.isdigit():  # a key of SSH 1, which OpenSSH passes over as well
        try:
            key = _key(kind, fields[2])
        except ValueError as error:
            fault = f"is damaged: {error}"
    return Line(number, marker, patterns, kind, key, fault)


def _key(kind: str, text: str) -> paramiko.PKey | None:
    """Return the key, or ``None`` where its type is not supported. Raises ``ValueError`` where it is none."""
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("its key is cut off, or not base64") from None
    if paramiko.Message(blob).get_binary() != kind.encode():
        raise ValueError(f"its key is not of type {kind}")
    try:
        key = paramiko.PKey.from_type_string(kind, blob)
    except paramiko.pkey.UnknownKeyType:
        return None
    except Exception as error:  # whatever paramiko and cryptography make of bytes that are no key
        raise ValueError("its key is cut off") from error
    if key.asbytes() != blob:
        raise ValueError("its key is cut off")
    return key


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("|"):
        glob = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
        return re.fullmatch(glob, name) is not None
    try:
        _, _, salt, digest = pattern.split("|")
        hashed = hmac.digest(base64.b64decode(salt), name.encode(), hashlib.sha1)
        return hmac.compare_digest(hashed, base64.b64decode(digest))
    except ValueError:
        return False
