"""What is to be said of the caches' settings before anything is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caches.present import HostFacts
from caches.spec import CacheSpec
from common import Finding, Severity


def advice(specs: Sequence[CacheSpec]) -> tuple[Finding, ...]:
    """Return what follows from the settings alone."""
    return tuple(finding for spec in specs for finding in _of(spec))


def host_advice(facts: HostFacts) -> tuple[Finding, ...]:
    """Return what is missing on a cache host."""
    return tuple(_of_host(facts))


def no_docker(facts: HostFacts) -> Finding:
    """Return what is to be said where Docker does not answer."""
    if facts.installed:
        message, fix = "Docker does not answer on this host", "systemctl start docker there"
    else:
        message, fix = "Docker is not installed on this host", "python main.py caches deploy --install-docker"
    return Finding("no-docker", Severity.ERROR, "docker.service", message, fix)


def _of(spec: CacheSpec) -> Iterator[Finding]:
    where = f"data.registries.{spec.registry}"
    if spec.credentials:
        message = f"every client of this cache can read what {spec.credentials.username} may read at {spec.upstream}"
        fix = "use an account that may read public images only, and let only the nodes reach the cache"
        yield Finding("shared-credentials", Severity.WARNING, f"{where}.username", message, fix)
    if spec.credentials and spec.image.major < 3:
        message = f"{spec.image.reference} logs in only where {spec.upstream} gives tokens, and not by basic auth"
        fix = "nothing for Docker Hub, ghcr.io and quay.io; image: registry:3 for a server that gives none"
        yield Finding("login-by-token-only", Severity.NOTE, f"{where}.username", message, fix)
    if spec.blobdescriptor:
        message = "with inmemory a proxy serves empty blobs once a shared layer expires (distribution#2367)"
        yield Finding("blobdescriptor", Severity.WARNING, f"{where}.blobdescriptor", message, "leave it off")
    if spec.ttl and not spec.image.reads_ttl:
        message = f"{spec.image.reference} ignores ttl and keeps everything for 7 days"
        yield Finding("ttl-ignored", Severity.WARNING, f"{where}.ttl", message, "use image: registry:3, or drop ttl")


def _of_host(facts: HostFacts) -> Iterator[Finding]:
    if not facts.docker:
        yield no_docker(facts)
    if not facts.cron:
        fix = "install and start it with: python main.py caches deploy --install-docker"
        yield Finding("no-cron", Severity.ERROR, "cron.service", "no cron runs: nothing looks after the caches", fix)
    if not facts.memory_limits:
        message = "this kernel gives Docker no memory limits: those of the caches do nothing"
        fix = "boot with cgroup_enable=memory, or with cgroup v2"
        yield Finding("no-memory-limits", Severity.NOTE, "docker info", message, fix)
