"""hosts.toml files: what they say, how a node reads them, which a node has and is to have."""

from __future__ import annotations

from containerd.hosts.endpoints import WILDCARD, Endpoint, endpoints_of, host_and_port
from containerd.hosts.existing import Site
from containerd.hosts.hosts_toml import HostEntry, HostsRenderer, HostsToml, from_endpoints, host_dir, is_registry
from containerd.hosts.layout import HostsPlan, plan_hosts

__all__ = [
    "WILDCARD",
    "Endpoint",
    "HostEntry",
    "HostsPlan",
    "HostsRenderer",
    "HostsToml",
    "Site",
    "endpoints_of",
    "from_endpoints",
    "host_and_port",
    "host_dir",
    "is_registry",
    "plan_hosts",
]
