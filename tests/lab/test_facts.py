"""How a node is read: in one call, by a short command line, and without a trace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from paramiko import SSHClient

from containerd.model import MAIN
from fleet import ssh
from fleet.channel import Request, execute
from fleet.inventory import load
from fleet.remote import Completed
from lab import machine
from tasks.inspect import read_facts
from tests.lab.nodes import SHIPPED, LabNode, fleet, rollout
from tests.unit.containerd.samples import OLD

Fresh = Callable[..., list[LabNode]]
NODES = ("worker-1", "worker-2", "worker-4")
CONF = "/etc/containerd"
# The command lines of what we send, for twelve seconds.
WATCH = """
end=$(($(date +%s) + 12))
while [ "$(date +%s)" -lt "$end" ]; do
    for file in $(grep -ls 'containerd-fleet[-]' /proc/[0-9]*/cmdline); do tr '\\0\\n' '  ' <"$file"; echo; done
done 2>/dev/null | sort -u
"""
WRITTEN = """
find / -xdev -newer /root/stamp -type f ! -path '/proc/*' ! -path '/sys/*' ! -path '/var/log/*' ! -path /root/stamp
find /run /tmp /var/tmp /dev/shm /var/lib /etc/systemd -xdev -name '*containerd-fleet*' ! -path '/run/log/*'
systemctl list-units --all --no-legend 'containerd-fleet*'
ctr namespaces ls -q | grep fleet || true
"""


def calls_of(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the calls that a node gets meanwhile."""
    calls: list[str] = []

    def counted(client: SSHClient, request: Request, cancelled: Callable[[], bool]) -> Completed:
        calls.append(request.name)
        return execute(client, request, cancelled)

    monkeypatch.setattr(ssh, "execute", counted)
    act()
    return calls


@pytest.mark.parametrize("name", NODES)
def test_a_standard_node_is_read_in_one_call(fresh: Fresh, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(name)
    host = load(SHIPPED).inventory.hosts[name]
    assert calls_of(lambda: read_facts(host), monkeypatch) == ["facts"]


# Files of a node, how many calls they take, and which of them are read.
LAYOUTS: Mapping[str, tuple[Mapping[str, str], int, set[str]]] = {
    "imports of imports, over several lines": (
        {
            MAIN: "version = 2\nimports = [\n  'conf.d/*.toml', # more\n  \"/etc/a b/c d.toml\",\n]\n",
            f"{CONF}/conf.d/a.toml": "imports = ['../sub/./b.toml']\n",
            f"{CONF}/sub/b.toml": "version = 2\n",
            "/etc/a b/c d.toml": f"[{OLD}.registry]\n  config_path = '/opt/certs'\n",
            "/opt/certs/ghcr.io/hosts.toml": "",
            f"{CONF}/stray.toml": "",
        },
        1,
        {
            MAIN,
            f"{CONF}/conf.d/a.toml",
            f"{CONF}/sub/b.toml",
            "/etc/a b/c d.toml",
            "/opt/certs/ghcr.io/hosts.toml",
        },
    ),
    "an import that no scan of lines finds": (
        {
            MAIN: 'version = 2\n"\\u0069mports" = ["/etc/containerd/\\u0061.toml"]\n',
            f"{CONF}/a.toml": "root = '/var/lib/other'\n",
        },
        3,
        {MAIN, f"{CONF}/a.toml"},
    ),
    "another root than the usual one": (
        {
            MAIN: f"version = 2\n[{OLD}.registry]\n  config_path = '/opt/certs/'\n",
            "/opt/certs/ghcr.io/hosts.toml": "",
            f"{CONF}/certs.d/quay.io/hosts.toml": "",
        },
        2,
        {MAIN, "/opt/certs/ghcr.io/hosts.toml"},
    ),
}


@contextmanager
def holding(node: LabNode, files: Mapping[str, str]) -> Iterator[None]:
    """Files of a node, for a while, in place of those below /etc/containerd; its daemon goes on with its own."""
    node.sh(f"rm -rf /root/kept && cp -a {CONF} /root/kept && rm -rf {CONF}/*")
    try:
        for path, text in files.items():
            node.sh(f"mkdir -p \"$(dirname '{path}')\" && cat >'{path}'", text)
        yield
    finally:
        node.sh(f"rm -rf {CONF} /opt/certs '/etc/a b' && mv /root/kept {CONF}")


def test_what_the_scan_of_the_node_leaves_out_is_asked_for(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    [node] = fresh("worker-2")
    host = load(SHIPPED).inventory.hosts[node.name]
    for layout, (files, calls, paths) in LAYOUTS.items():
        with holding(node, files):
            found: list[set[str]] = []
            made = calls_of(lambda found=found: found.append(set(read_facts(host).files.texts)), monkeypatch)  # type: ignore[misc]
        assert (layout, len(made), found) == (layout, calls, [paths])


def test_ps_shows_a_short_command_line_and_nothing_stays(fresh: Fresh) -> None:
    nodes = fresh(*NODES)
    seen: dict[str, list[str]] = {}

    def watch(name: str) -> None:
        seen[name] = machine.run(name, "sh -s", stdin=WATCH.encode()).stdout.decode().splitlines()

    for node in nodes:
        node.sh("touch /root/stamp && sleep 0.1")
    watchers = [threading.Thread(target=watch, args=(node.name,)) for node in nodes]
    for watcher in watchers:
        watcher.start()
    names = ",".join(NODES)
    assert fleet("status", "--json", "--limit", names).exit == 0
    assert fleet("audit", "--json", "--all", "--limit", names).exit == 5
    assert rollout("--all", "--limit", names, "--dry-run").exit == 5
    for watcher in watchers:
        watcher.join()
    for node in nodes:
        assert any("containerd-fleet-facts" in line for line in seen[node.name])
        assert max(map(len, seen[node.name])) < 500, seen[node.name]
        assert node.sh(WRITTEN) == "", node.name


def test_units_bound_to_containerd_and_its_proxy_are_refused_until_they_are_permitted(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    node.write(
        "/etc/systemd/system/tied.service",
        "[Unit]\nBindsTo=containerd.service\nAfter=containerd.service\n[Service]\nExecStart=/bin/sleep infinity\n",
    )
    node.write(
        "/etc/systemd/system/containerd.service.d/proxy.conf", "[Service]\nEnvironment=HTTP_PROXY=http://p:3128\n"
    )
    node.sh("systemctl daemon-reload && systemctl restart containerd && systemctl start tied")
    words = ("--all", "--limit", "worker-2")
    ran = rollout(*words)
    assert ran.exit == 1
    assert "through the proxy http://p:3128" in ran.reason("worker-2")
    assert "add 198.18.20.10 to NO_PROXY" in ran.reason("worker-2")

    node.write(
        "/etc/systemd/system/containerd.service.d/proxy.conf",
        "[Service]\nEnvironment=HTTP_PROXY=http://p:3128 NO_PROXY=198.18.0.0/15\n",
    )
    node.sh("systemctl daemon-reload && systemctl restart containerd && systemctl start tied")
    ran = rollout(*words)
    assert ran.exit == 1
    assert "--allow-restart-of tied.service" in ran.reason("worker-2")
    assert not node.transactions()
    ran = rollout(*words, "--allow-restart-of", "tied.service")
    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "migrated"})
    assert "tied.service is bound to containerd.service" in str(ran.json["nodes"]["worker-2"]["details"])


def test_a_masked_unit_is_named_with_its_cure(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    node.sh("systemctl mask --runtime containerd")
    ran = rollout("--all", "--limit", "worker-2")
    assert ran.exit == 1
    assert "containerd.service is masked" in ran.reason("worker-2")
    node.sh("systemctl unmask --runtime containerd")
    assert rollout("--all", "--limit", "worker-2").exit == 0
