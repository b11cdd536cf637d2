"""What is known of one node, as it was read: the input of every decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from containerd.model.cri import CriHealth
from containerd.model.files import FileSet
from containerd.model.headroom import Headroom
from containerd.model.proxies import Proxies
from containerd.model.versions import Version


def checksum(text: str) -> str:
    """Return the sha256 of ``text`` as it is on the node, in hex, as ``sha256sum`` prints it there."""
    return sha256(text.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True)
class Daemon:
    """The containerd of a node, taken from its unit and process, never from a constant.

    ``version`` is what a restart would start, ``running`` what answers now. ``root`` and ``state`` are its directories,
    ``kill_mode`` is the unit's KillMode, ``systemd`` the number of systemd's version (0: unknown), ``crictl`` the path
    of a crictl that can ask this containerd (empty: none), ``crictl_complaint`` which one cannot, and what it says.
    """

    version: Version
    version_line: str
    running: Version
    binary: str
    ctr: str
    socket: str
    root: str
    state: str
    kill_mode: str
    systemd: int
    crictl: str
    crictl_complaint: str
    needs_daemon_reload: bool
    replaced_on_disk: bool
    kubelet: bool

    @property
    def changes_at_restart(self) -> bool:
        """Whether a restart would start another program than the one that runs."""
        return self.replaced_on_disk or self.running != self.version


@dataclass(frozen=True)
class Transaction:
    """The newest transaction that the node keeps: whose it is, and since when."""

    run: str
    state: str
    owner: str
    since: str

    @property
    def unfinished(self) -> bool:
        """Whether a run began to change the node and neither confirmed nor undid it."""
        return self.state in ("armed", "swapping", "restarting", "verifying", "rolling_back")


@dataclass(frozen=True)
class NodeFacts:
    """One node as it was read. `files` has config.toml, what it may import, and what is below certs.d.

    `bound` are the active units that a restart of containerd takes with it, `proxies` those of the running daemon.
    `elsewhere` are files that the daemon has in a mount namespace of its own, and that are others in everybody else's.
    """

    daemon: Daemon
    files: FileSet
    real_paths: Mapping[str, str]
    cri: CriHealth
    restart_pending: bool
    headroom: Headroom
    transaction: Transaction | None = None
    bound: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    proxies: Proxies = field(default_factory=Proxies)

    @property
    def config_file(self) -> str:
        """The config.toml that the daemon is started with."""
        return self.files.main

    def real_path(self, path: str) -> str:
        """Return the file that ``path`` leads to where it is a symbolic link, which a rename must not replace."""
        return self.real_paths.get(path, path)

    def text(self, path: str) -> str | None:
        """Return the live text of ``path``, ``None`` where there is no such file."""
        return self.files.text(path)
