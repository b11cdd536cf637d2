"""What is known of the kinds of a node's paths: files where a directory must be, directories where none may be."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from containerd.files import FileSet


def is_directory(path: str, files: FileSet) -> bool:
    """Whether a path is known to be a directory."""
    clean = posixpath.normpath(path)
    return clean in _DIRECTORIES or files.is_directory(clean)


def is_file(path: str, files: FileSet) -> bool:
    """Whether a path is known to be a file."""
    return path in _FILES or files.text(path) is not None


def blocked(path: str, files: FileSet) -> str | None:
    """What making a directory says where it, or one above it, is a file; None when nothing known is in the way."""
    found = next((above for above in _and_above(path) if is_file(above, files)), None)
    return f"mkdir {found}: not a directory" if found else None


def _and_above(path: str) -> Iterator[str]:
    if path.startswith("/"):
        names = posixpath.normpath(path).strip("/").split("/")
        yield from ("/" + "/".join(names[:depth]) for depth in range(1, len(names) + 1))


def _paths(text: str) -> frozenset[str]:
    return frozenset(f"/{name}" for name in text.split())


# What every node has.
_DIRECTORIES = {"/"} | _paths("""
    bin boot dev dev/shm etc etc/containerd etc/cni home lib mnt opt proc root run run/containerd sbin srv sys tmp usr
    usr/bin usr/lib usr/local usr/local/bin usr/sbin usr/share var var/cache var/lib var/lib/containerd var/log var/run
    var/tmp
""")
_FILES = _paths("dev/null dev/zero etc/fstab etc/group etc/hosts etc/passwd etc/shadow")
