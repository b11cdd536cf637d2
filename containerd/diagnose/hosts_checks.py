"""What is to be said of the hosts.toml files that the daemon reads today."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from common import Finding, Severity
from containerd.diagnose.subject import Subject
from containerd.hosts import directories_of, hosts_file_findings
from containerd.loader import hosts_roots


def hosts_findings(subject: Subject) -> Iterator[Finding]:
    """Everything about the files below config_path."""
    registry = subject.registry
    roots = hosts_roots(registry.get("config_path"), subject.version, mirrors=bool(registry.get("mirrors", {})))
    directories = directories_of(subject.files, subject.version)
    for path in sorted(subject.files.texts):
        directory, name = posixpath.split(path)
        if name != "hosts.toml" or posixpath.dirname(directory) not in roots:
            continue
        for finding in hosts_file_findings(path, subject.files, subject.version):
            # Only what a rollout would leave there is in its way.
            yield replace(finding, blocks=False)
        for hidden in directories.hidden_in(directory):
            message = f"{hidden} is not read, because {path} lies beside it and does not name it"
            fix = f"name it in {path} as ca or client, or delete it"
            yield Finding("certificate-not-read", Severity.NOTE, hidden, message, fix)
