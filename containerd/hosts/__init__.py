"""hosts.toml files: what they say, how a node reads them, which a node has and is to have."""

from __future__ import annotations

from containerd.hosts.certificates import directories_of
from containerd.hosts.checks import hosts_file_findings, wildcard_of
from containerd.hosts.endpoints import WILDCARD, Endpoint, endpoints_of, host_and_port
from containerd.hosts.existing import Site
from containerd.hosts.hosts_toml import HostEntry, HostsRenderer, HostsToml, from_endpoints, host_dir, is_registry
from containerd.hosts.layout import HostsPlan, plan_hosts
from containerd.hosts.reading import asked_at, read_hosts
from containerd.hosts.tls import tls_files

__all__ = [
    "WILDCARD",
    "Endpoint",
    "HostEntry",
    "HostsPlan",
    "HostsRenderer",
    "HostsToml",
    "Site",
    "asked_at",
    "directories_of",
    "endpoints_of",
    "from_endpoints",
    "host_and_port",
    "host_dir",
    "hosts_file_findings",
    "is_registry",
    "plan_hosts",
    "read_hosts",
    "tls_files",
    "wildcard_of",
]
