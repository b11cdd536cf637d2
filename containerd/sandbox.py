"""What a second containerd must not see of a node while it shows whether a configuration loads.

It is started on a read-only view of the node, in which these directories are empty and its own. What is missed here can
therefore do no harm to files; it can to whatever listens on a socket.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from containerd.daemon.toml_dialects import readings
from containerd.files import FileSet

# What a containerd of any version uses without being told: where programs make temporary files, and the NRI plugins
# that it starts with CRI (containerd 1.7 and later).
ALWAYS = {
    "/run": "sockets, and the state of what runs",
    "/tmp": "temporary files",  # noqa: S108
    "/var/tmp": "temporary files",  # noqa: S108
    "/var/lib/containerd": "the default of root",
    "/opt/nri/plugins": "the default of plugin_path",
}
_DIRECTORIES = {"root", "state", "temp", "root_path", "plugin_path"}
# An empty database behind the socket of a proxy plugin has the garbage collector remove what that one holds.
_SOCKETS = {"address", "socket_path"}
# Without these nothing starts at all.
_SYSTEM = re.compile(r"/(bin|boot|etc|lib\w*|sbin|usr(/(bin|lib\w*|libexec|local(/s?bin|/lib)?|sbin|share))?)?")
_KERNEL = re.compile(r"/(dev|proc|sys)(/.*)?")


@dataclass(frozen=True)
class Cover:
    """A directory that is empty in the sandbox, and the setting that names it."""

    path: str
    why: str


@dataclass(frozen=True)
class Sandbox:
    """What is hidden from a second containerd: `covers`, parents first, and in them `needed`, which stays.

    `left` are directories that a configuration names and that stay as they are, read-only, since the system needs them.
    """

    covers: tuple[Cover, ...]
    needed: tuple[str, ...]
    left: tuple[Cover, ...]


def sandbox(configurations: Iterable[FileSet], programs: Iterable[str]) -> Sandbox:
    """Return what has to be hidden for all of these configurations; `programs` are containerd and ctr.

    Every file that may be imported counts, whatever wins in the end: covering too much does no harm.
    """
    sets = tuple(configurations)
    named = dict(ALWAYS)
    for files in sets:
        for file, text in files.texts.items():
            for path, why in _named(file, text):
                named.setdefault(path, why)
    covers = tuple(Cover(path, named[path]) for path in sorted(named, key=lambda path: path.split("/")))
    read = {path for files in sets for path in (*files.texts, *files.present) if not path.endswith("/hosts.toml")}
    needed = read | set(programs)
    return Sandbox(
        covers=tuple(cover for cover in covers if _coverable(cover.path)),
        needed=tuple(sorted(path for path in needed if path.startswith("/") and "\n" not in path)),
        left=tuple(cover for cover in covers if not _coverable(cover.path)),
    )


def _coverable(path: str) -> bool:
    """Whether a directory may be hidden: none that the system needs."""
    return not (_SYSTEM.fullmatch(path) or _KERNEL.fullmatch(path) or "\n" in path)


def _named(file: str, text: str) -> Iterator[tuple[str, str]]:
    """The directories that the tables of a file name; go-toml does not tell upper from lower case."""
    pending = list(readings(text))
    while pending:
        for key, value in pending.pop().items():
            if isinstance(value, Mapping):
                pending.append(value)
            elif isinstance(value, str) and value and (directory := _directory(key.lower(), value)):
                yield directory, f"{key} in {file}"


def _directory(key: str, value: str) -> str | None:
    if key in _DIRECTORIES:
        return _clean(value)
    if key in _SOCKETS and value.removeprefix("unix://").startswith("/"):
        return _clean(posixpath.dirname(value.removeprefix("unix://")))
    return None


def _clean(path: str) -> str:
    """An absolute path without detours: a daemon is started in /."""
    return "/" + posixpath.normpath(posixpath.join("/", path)).lstrip("/")
