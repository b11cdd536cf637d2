"""What the tests of this folder share: a table of registries, and pieces of configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from containerd.decide import decide
from containerd.hosts import HostEntry, HostsToml, tls_files
from containerd.model import Decision, FileSet, Policy, Registry, Strategy, Version, parse_version
from templates import render_hosts_toml

CONFIG = "/etc/containerd/config.toml"
ROOT = "/etc/containerd/certs.d"
OLD = 'plugins."io.containerd.grpc.v1.cri"'
NEW = 'plugins."io.containerd.cri.v1.images"'

DOCKER = Registry("docker.io", "https://registry-1.docker.io", ("http://10.0.20.10:5000",))
GHCR = Registry("ghcr.io", "https://ghcr.io", ("http://10.0.20.10:5010",))
TABLE = (DOCKER, GHCR)


def hosts_toml(server: str | None, *hosts: str | HostEntry) -> str:
    """A file as this project writes it."""
    entries = (HostEntry(host) if isinstance(host, str) else host for host in hosts)
    return render_hosts_toml(HostsToml(server, tuple(entries)))


DOCKER_HOSTS = hosts_toml("https://registry-1.docker.io", "http://10.0.20.10:5000")
GHCR_HOSTS = hosts_toml("https://ghcr.io", "http://10.0.20.10:5010")
PRESENT = {f"{ROOT}/docker.io/hosts.toml": DOCKER_HOSTS, f"{ROOT}/ghcr.io/hosts.toml": GHCR_HOSTS}


def version(text: str) -> Version:
    return parse_version(f"containerd github.com/containerd/containerd {text}")


def fileset(config: str, others: Mapping[str, str] | None = None) -> FileSet:
    return FileSet(CONFIG, {CONFIG: config, **(others or {})})


def decided(
    config: str,
    runs: str = "1.7.24",
    strategy: Strategy = Strategy.CONFIG_PATH,
    others: Mapping[str, str] | None = None,
    registries: tuple[Registry, ...] = TABLE,
) -> Decision:
    """The decision on a main file and what else is there: by default the hosts.toml files of the table.

    Certificates and keys that any of them names are there.
    """
    files = fileset(config, PRESENT if others is None else others)
    files = replace(files, present=tls_files(files, version(runs)))
    return decide(files, version(runs), Policy(strategy, registries), render_hosts_toml)


def edited(config: str, runs: str = "1.7.24", strategy: Strategy = Strategy.CONFIG_PATH) -> str:
    """The config.toml after the change: the text itself when it does not change."""
    return decided(config, runs, strategy).files.get(CONFIG, config)
