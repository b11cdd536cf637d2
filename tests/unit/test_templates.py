"""The exact bytes of the files that are written on a machine."""

from __future__ import annotations

import subprocess

import pytest

from containerd.hosts import HostEntry, HostsToml
from containerd.hosts.hosts_toml import Tls
from templates import render, render_hosts_toml

CASES = {
    "one cache": (
        HostsToml("https://ghcr.io", (HostEntry("http://10.0.20.10:5010"),)),
        'server = "https://ghcr.io"\n\n[host."http://10.0.20.10:5010"]\n  capabilities = ["pull", "resolve"]\n',
    ),
    "two caches, in their order": (
        HostsToml("https://ghcr.io", (HostEntry("http://a:1"), HostEntry("http://b:1"))),
        'server = "https://ghcr.io"\n\n[host."http://a:1"]\n  capabilities = ["pull", "resolve"]\n'
        '\n[host."http://b:1"]\n  capabilities = ["pull", "resolve"]\n',
    ),
    "a path of its own": (
        HostsToml("https://r.example", (HostEntry("https://a/v2/proxy", override_path=True),)),
        'server = "https://r.example"\n\n[host."https://a/v2/proxy"]\n  capabilities = ["pull", "resolve"]\n'
        "  override_path = true\n",
    ),
    # Up to containerd 1.7.31 a file without any host tree is not read (containerd #10027).
    "the registry itself": (HostsToml("http://10.0.0.5:5000", ()), 'server = "http://10.0.0.5:5000"\n\n[host]\n'),
    "TLS of the server and of a cache": (
        HostsToml(
            "https://h", (HostEntry("https://a", tls=Tls(skip_verify=True)),), Tls(ca=("/ca",), client=(("/c", "/k"),))
        ),
        'server = "https://h"\nca = "/ca"\nclient = [["/c", "/k"]]\n\n[host."https://a"]\n'
        '  capabilities = ["pull", "resolve"]\n  skip_verify = true\n',
    ),
    "a server at a path": (
        HostsToml("https://h/v2/x", (), Tls(skip_verify=True), override_path=True),
        'server = "https://h/v2/x"\noverride_path = true\nskip_verify = true\n\n[host]\n',
    ),
    "no server": (
        HostsToml(None, (HostEntry("http://a:1"),)),
        '[host."http://a:1"]\n  capabilities = ["pull", "resolve"]\n',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_hosts_toml(case: str) -> None:
    file, text = CASES[case]
    assert render_hosts_toml(file) == text


def test_the_rollback_script_is_one_that_a_posix_shell_accepts() -> None:
    script = render(
        "rollback.sh.j2",
        base="/var/lib/containerd-fleet",
        run="20260101T000000Z-abcd",
        binary="/usr/bin/containerd",
        version="containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+b4",
        ctr="/usr/bin/ctr",
        socket="/run/it's here/containerd.sock",
        plugins=["io.containerd.grpc.v1/cri"],
        kubelet=True,
    )
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert "socket='/run/it'\"'\"'s here/containerd.sock'" in script
    assert "{{" not in script
