"""Certificates that are read today, and would not be any more, go into the hosts.toml that takes their place."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from common import Finding, Severity
from containerd.hosts.certificates import DEFAULT, Beside
from containerd.hosts.endpoints import registry_of_directory
from containerd.hosts.existing import Site, Target
from containerd.hosts.hosts_toml import NO_TLS, HostsToml, upstream_of


def carry_certificates(site: Site, targets: dict[str, Target]) -> tuple[Finding, ...]:
    """Have the server of each new file shown the certificates that its registry has now; change and add `targets`.

    They were read for the registry's own upstream, and https: for another server they are only reported.
    """
    findings = [finding for name in list(targets) for finding in _carry(site, name, targets)]
    planned = {target.path for target in targets.values()}
    for root in (each for each in site.roots if each != site.root):
        for directory in site.directories.below(root):
            findings += _move(site, directory, planned, targets)
    return tuple(findings)


def _carry(site: Site, key: str, targets: dict[str, Target]) -> Iterator[Finding]:
    target = targets[key]
    if target.kept is not None or site.reading(target.path, site.present.get(target.path, "")).hides_certificates:
        return
    name = _registry_of(target.path)
    beside, upstream = site.directories.read_for(name, site.roots), upstream_of(name)
    if beside.tls == NO_TLS:
        return
    if upstream is None or target.file.server != upstream or target.file.override_path:
        yield from _not_read(beside, target.path)
        return
    tls = target.file.tls.with_those_of(beside.tls)
    targets[key] = replace(target, file=replace(target.file, tls=tls))
    yield _carried(beside, target.path)


def _move(site: Site, directory: str, planned: set[str], targets: dict[str, Target]) -> Iterator[Finding]:
    """A registry that has nothing but certificates, below a root that will not be read."""
    name = registry_of_directory(posixpath.basename(directory))
    path, upstream = site.place(name), upstream_of(name)
    beside = site.directories.read_for(name, site.roots)
    if beside.tls == NO_TLS or beside.directory != directory or path in planned:
        return
    if upstream is None or posixpath.basename(directory) == DEFAULT:
        yield from _not_read(beside, path)
        return
    targets[name] = Target(path, HostsToml(upstream, (), beside.tls))
    yield _carried(beside, path)


def _registry_of(path: str) -> str:
    """The registry that a hosts.toml is for."""
    return registry_of_directory(posixpath.basename(posixpath.dirname(path)))


def _carried(beside: Beside, path: str) -> Finding:
    named = ", ".join(map(posixpath.basename, beside.names))
    message = f"{named} in {beside.directory} is read today, and goes on in {path}, as ca or client of its server"
    return Finding("certificate-carried", Severity.NOTE, beside.directory, message, "leave the files where they are")


def _not_read(beside: Beside, path: str) -> Iterator[Finding]:
    for name in beside.names:
        message = f"{name} is read today, and will not be beside {path}"
        fix = f"name it in {path} after the run, as ca or client at its top, if {name} is needed"
        yield Finding("certificate-not-read", Severity.WARNING, name, message, fix)
