"""What is to be said of one hosts.toml that a containerd reads, or will read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from common import Finding, Severity, mask_urls
from containerd.hosts.certificates import DEFAULT
from containerd.hosts.reading import HostsReading, read_hosts
from containerd.model import FileSet, Version


def hosts_file_findings(path: str, files: FileSet, version: Version) -> Iterator[Finding]:
    """Return what this version makes of the file at a path that its author may not expect. Holds no secret."""
    reading = read_hosts(files.text(path) or "", path, version)
    yield from _unread(path, reading, version)
    if posixpath.basename(posixpath.dirname(path)) == DEFAULT:
        yield from _wildcard(path, reading)
    for name in reading.named:
        if not files.has(name):
            message = f"{path} names {name}, which is not there: every pull by that server fails"
            fix = f"put {name} there, or take it out of {path}"
            yield Finding("tls-file-missing", Severity.ERROR, path, message, fix, blocks=True)


def wildcard_of(path: str, files: FileSet, version: Version) -> tuple[str, ...]:
    """Return the servers that a file has every registry asked at, as it names them, and without secrets."""
    if posixpath.basename(posixpath.dirname(path)) != DEFAULT:
        return ()
    reading = read_hosts(files.text(path) or "", path, version)
    return tuple(mask_urls(server.url) for server in reading.asked if server.serves_images)


def _unread(path: str, reading: HostsReading, version: Version) -> Iterator[Finding]:
    if reading.ignored:
        message = f"containerd {version} ignores all of {path}, and says so at a pull alone: {reading.ignored}"
        yield Finding("hosts-toml-ignored", Severity.ERROR, path, mask_urls(message), "correct it, or delete it")
    for url in reading.skipped:
        message = f"containerd {version} passes over {url}, which has no [host] header of its own in {path}"
        fix = f'write it as [host."{url}"]'
        yield Finding("hosts-toml-host-skipped", Severity.WARNING, path, mask_urls(message), mask_urls(fix))
    for url in reading.misplaced:
        message = f'the server that {path} has below [host."{url}"] is read by nobody'
        fix = "move it above the first [host] header"
        yield Finding("hosts-toml-server-misplaced", Severity.WARNING, path, mask_urls(message), fix)


def _wildcard(path: str, reading: HostsReading) -> Iterator[Finding]:
    asked = ", ".join(mask_urls(server.url) for server in reading.asked if server.serves_images)
    if asked:
        message = f"every registry without a directory of its own is pulled from {asked}: the wildcard in its new form"
        fix = f"give each registry a cache of its own, and delete {path}"
        yield Finding("wildcard-default", Severity.WARNING, path, message, fix)
