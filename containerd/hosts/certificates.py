"""Certificates that lie in a registry's directory: containerd reads them only while no hosts.toml counts there."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from containerd.hosts.hosts_toml import NO_TLS, Tls, host_dir
from containerd.hosts.reading import read_hosts
from containerd.model import FileSet, Version

DEFAULT = "_default"
"""The directory that is read for every registry without one of its own."""
CERTIFICATES = (".crt", ".cert", ".key")


@dataclass(frozen=True)
class Beside:
    """The certificates of one directory, and what they say: every `.crt` is an authority, a `.cert` has its `.key`."""

    directory: str = ""
    names: tuple[str, ...] = ()
    tls: Tls = NO_TLS


@dataclass(frozen=True)
class Directories:
    """The directories of a node that have hosts.toml files or certificates, with the names of these files."""

    files: FileSet
    version: Version
    names: Mapping[str, frozenset[str]] = field(repr=False)

    def first(self, root: str, registry: str) -> str | None:
        """Return the directory below a root that is a registry's own, None where there is none."""
        places = (f"{root.rstrip('/')}/{name}" for name in (host_dir(registry), registry))
        return next((place for place in places if place in self.names), None)

    def read_for(self, registry: str, roots: tuple[str, ...]) -> Beside:
        """Return the certificates that are read for a registry today: those of its directory, or of `_default`.

        Those that a hosts.toml of `_default` names for every registry's own server are among them.
        """
        for root in roots:
            default = f"{root.rstrip('/')}/{DEFAULT}"
            if place := self.first(root, registry) or (default if default in self.names else None):
                return self.read_in(place)
        return Beside()

    def read_in(self, directory: str) -> Beside:
        """Return the certificates that are read in a directory: none beside a hosts.toml that counts."""
        path = f"{directory}/hosts.toml"
        reading = read_hosts(self.files.text(path) or "", path, self.version)
        if reading.hides_certificates:
            return Beside(directory, reading.named, reading.upstream) if directory.endswith(f"/{DEFAULT}") else Beside()
        names = sorted(self.names.get(directory, ()))
        authorities = tuple(f"{directory}/{name}" for name in names if name.endswith(".crt"))
        pairs = tuple(_pair(directory, name, names) for name in names if name.endswith(".cert"))
        used = dict.fromkeys((*authorities, *(name for pair in pairs for name in pair)))
        return Beside(directory, tuple(used), Tls(ca=authorities, client=pairs))

    def hidden_in(self, directory: str) -> tuple[str, ...]:
        """Return the certificates that a hosts.toml beside them keeps from being read, and does not name itself."""
        path = f"{directory}/hosts.toml"
        reading = read_hosts(self.files.text(path) or "", path, self.version)
        if not reading.hides_certificates:
            return ()
        every = (f"{directory}/{name}" for name in sorted(self.names.get(directory, ())))
        return tuple(name for name in every if name.endswith((".crt", ".cert")) and name not in reading.named)

    def below(self, root: str) -> Iterator[str]:
        """Return the directories of registries below a root."""
        return (directory for directory in sorted(self.names) if posixpath.dirname(directory) == root)


def directories_of(files: FileSet, version: Version) -> Directories:
    """Return the directories that have a file that matters."""
    names: dict[str, set[str]] = {}
    for path in (*files.texts, *files.present):
        directory, name = posixpath.split(path)
        if name == "hosts.toml" or name.endswith(CERTIFICATES):
            names.setdefault(directory, set()).add(name)
    return Directories(files, version, {directory: frozenset(each) for directory, each in names.items()})


def _pair(directory: str, name: str, names: Collection[str]) -> tuple[str, str]:
    key = f"{name.removesuffix('.cert')}.key"
    return f"{directory}/{name}", f"{directory}/{key if key in names else name}"
