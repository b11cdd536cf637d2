"""What the tests of this folder share: a table of registries, a renderer, and pieces of configuration."""

from __future__ import annotations

from collections.abc import Mapping

from containerd.hosts_toml import HostsToml
from containerd.migration import Decision, Policy, Registry, Strategy, decide
from containerd.versions import Version, parse_version

CONFIG = "/etc/containerd/config.toml"
ROOT = "/etc/containerd/certs.d"
OLD = 'plugins."io.containerd.grpc.v1.cri"'
NEW = 'plugins."io.containerd.cri.v1.images"'

DOCKER = Registry("docker.io", "https://registry-1.docker.io", ("http://10.0.20.10:5000",))
GHCR = Registry("ghcr.io", "https://ghcr.io", ("http://10.0.20.10:5010",))
TABLE = (DOCKER, GHCR)

DOCKER_HOSTS = 'server = "https://registry-1.docker.io"\n[host."http://10.0.20.10:5000"]\n'
GHCR_HOSTS = 'server = "https://ghcr.io"\n[host."http://10.0.20.10:5010"]\n'
PRESENT = {f"{ROOT}/docker.io/hosts.toml": DOCKER_HOSTS, f"{ROOT}/ghcr.io/hosts.toml": GHCR_HOSTS}


def render(hosts: HostsToml) -> str:
    lines = [f'server = "{hosts.server}"'] if hosts.server else []
    for entry in hosts.hosts:
        lines += [f'[host."{entry.url}"]', *(["override_path = true"] if entry.override_path else [])]
    return "\n".join(lines) + "\n"


def version(text: str) -> Version:
    return parse_version(f"containerd github.com/containerd/containerd {text}")


def decided(
    config: str,
    runs: str = "1.7.24",
    strategy: Strategy = Strategy.CONFIG_PATH,
    hosts_files: Mapping[str, str] | None = None,
    registries: tuple[Registry, ...] = TABLE,
) -> Decision:
    policy = Policy(strategy, registries)
    return decide(config, CONFIG, PRESENT if hosts_files is None else hosts_files, version(runs), policy, render)


def edited(config: str, runs: str = "1.7.24", strategy: Strategy = Strategy.CONFIG_PATH) -> str:
    """The config.toml after the change: the text itself when it does not change."""
    return decided(config, runs, strategy).files.get(CONFIG, config)
