"""The file of a journal: private, locked while its run is alive, and on disk line by line."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol


class Lines(Protocol):
    """Where a journal keeps its lines: a file, or in a test what fails at some line."""

    def append(self, line: bytes) -> None:
        """Append ``line``, which ends with a line feed; it is on disk at return. Raises ``OSError``."""

    def close(self) -> None:
        """Let go of it. Raises ``OSError`` where a line turns out to be lost."""


class JournalFile:
    """A new file at ``path`` in a new directory of its own, with the modes 0600 and 0700 whatever the umask.

    It is locked (flock) until ``close`` or the death of the process. Raises ``OSError`` or ``ValueError`` where it
    cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = False
        self._file = _create(path)

    def append(self, line: bytes) -> None:
        """Append ``line`` and bring it to disk; a part that an earlier failure left becomes a line of its own.

        Raises ``OSError``, also where the file is no longer at its path, so that nobody would find the line.
        """
        rest = memoryview(b"\n" + line if self._torn else line)
        self._torn = True
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._torn = False
        os.fsync(self._file)
        if not os.path.samestat(os.fstat(self._file), self._path.lstat()):
            raise OSError(errno.ESTALE, "another file is in its place")

    def close(self) -> None:
        """Close the file, which ends its lock. Raises ``OSError`` where its filesystem lost a line."""
        os.close(self._file)


def _create(path: Path) -> int:
    """Make the file and its directory, which must not exist, lock it and return its descriptor."""
    home = path.parent
    home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.mkdir(mode=0o700)
    with _opened(home, os.O_NOFOLLOW) as folder:
        os.fchmod(folder, 0o700)
        file = os.open(path.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        try:
            os.fchmod(file, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
        except BaseException:
            os.close(file)
            raise
        _keep(folder)
    with _opened(home.parent) as folder:
        _keep(folder)
    return file


@contextmanager
def _opened(folder: Path, flags: int = 0) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _keep(folder: int) -> None:
    """Bring a directory's new entry to disk, where its filesystem can do that."""
    with suppress(OSError):
        os.fsync(folder)
