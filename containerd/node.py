"""What is known of one node, as it was read: the input of every decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from containerd.plugins import CriHealth
from containerd.versions import Version


def checksum(text: str) -> str:
    """Return the sha256 of ``text`` in UTF-8, in hex, as ``sha256sum`` prints it on the node."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Daemon:
    """The running containerd, taken from its unit and process, never from a constant."""

    version: Version
    version_line: str
    binary: str
    ctr: str
    socket: str
    needs_daemon_reload: bool
    replaced_on_disk: bool
    kubelet: bool


@dataclass(frozen=True)
class Transaction:
    """The newest transaction that the node keeps."""

    run: str
    state: str
    owner: str

    @property
    def unfinished(self) -> bool:
        """Whether a run began to change the node and neither confirmed nor undid it."""
        return self.state in ("swapping", "restarting", "verifying", "rolling_back")


@dataclass(frozen=True)
class NodeFacts:
    """One node as it was read. Texts of files, which may hold secrets, are in no repr, log or traceback."""

    daemon: Daemon
    config_file: str
    config: str = field(repr=False)
    hosts_files: Mapping[str, str] = field(repr=False)
    real_paths: Mapping[str, str]
    cri: CriHealth
    restart_pending: bool
    transaction: Transaction | None = None

    def real_path(self, path: str) -> str:
        """Return the file that ``path`` leads to where it is a symbolic link, which a rename must not replace."""
        return self.real_paths.get(path, path)

    def text(self, path: str) -> str | None:
        """Return the live text of ``path``, ``None`` where there is no such file."""
        return self.config if path == self.config_file else self.hosts_files.get(path)
