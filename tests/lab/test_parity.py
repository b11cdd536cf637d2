"""One call reads what four used to: the same facts, the same decision and the same diff, for many configurations."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from nornir.core.inventory import Host
from paramiko import SSHClient

from containerd.errors import ContainerdError
from containerd.files import MAIN
from containerd.headroom import Headroom
from containerd.node import NodeFacts
from containerd.plan import plan_node
from containerd.releases import generation_of
from fleet import ssh
from fleet.channel import Request, execute
from fleet.inventory import load
from fleet.remote import Completed
from tasks.inspect import read_facts
from templates import render_hosts_toml
from tests.lab import old_facts
from tests.lab.nodes import SHIPPED, LabNode
from tests.unit.containerd.prediction_cases import CASES
from tests.unit.containerd.release_cases import RELEASE_CASES
from tests.unit.containerd.samples import NEW, OLD

Files = Mapping[str, str]
Fresh = Callable[..., list[LabNode]]
NODES = ("worker-1", "worker-2", "worker-4")
CONF = "/etc/containerd"
WILDCARD = f'[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://198.18.20.10:5000"]\n'
HOSTS = 'server = "https://ghcr.io"\n\n[host."http://198.18.20.10:5010"]\n  capabilities = ["pull", "resolve"]\n'


def with_root(root: str, plugin: str = OLD) -> str:
    return f"version = 2\n[{plugin}.registry]\n  config_path = '{root}'\n"


# How imports, roots, sockets and other files can be named; `others` are what a person might have left besides.
LAYOUTS: dict[str, Files] = {
    "imports in several lines": {
        MAIN: "version = 2\nimports = [\n  'conf.d/*.toml', # more\n  \"/etc/other.toml\",\n]\n",
        f"{CONF}/conf.d/a.toml": WILDCARD,
        f"{CONF}/conf.d/b.toml": "",
        "/etc/other.toml": with_root("/etc/other.d"),
        "/etc/other.d/ghcr.io/hosts.toml": HOSTS,
    },
    "imports of imports": {
        MAIN: "version = 2\nimports = ['a.toml']\n",
        f"{CONF}/a.toml": "imports = ['./sub/../b.toml', '/nowhere.toml']\n",
        f"{CONF}/b.toml": f"imports = ['a.toml', 'config.toml']\n{WILDCARD}",
    },
    "imports that no scan of lines finds": {
        MAIN: 'version = 2\n"\\u0069mports" = ["/etc/containerd/\\u0061.toml"]\n',
        f"{CONF}/a.toml": WILDCARD,
    },
    "imports in a comment, a string and a table": {
        MAIN: f"version = 2\n# imports = ['/etc/c.toml']\n[debug]\n  imports = ['/etc/d.toml']\n[{OLD}]\n  x = '''\n"
        "imports = ['/etc/e.toml']\n'''\n",
        "/etc/c.toml": WILDCARD,
        "/etc/d.toml": with_root("/etc/d.d"),
        "/etc/e.toml": "[broken",
        "/etc/d.d/ghcr.io/hosts.toml": HOSTS,
    },
    "a root with a slash at its end": {MAIN: with_root(f"{CONF}/certs.d/"), f"{CONF}/certs.d/x/hosts.toml": HOSTS},
    "another root": {
        MAIN: with_root("/opt/certs"),
        "/opt/certs/ghcr.io/hosts.toml": HOSTS,
        f"{CONF}/certs.d/quay.io/hosts.toml": HOSTS,
    },
    "two roots": {
        MAIN: with_root("/opt/certs:/etc/docker/certs.d"),
        "/opt/certs/ghcr.io/hosts.toml": HOSTS,
        "/etc/docker/certs.d/ghcr.io/hosts.toml": HOSTS,
    },
    "a root that is not of OLD": {MAIN: with_root("/opt/new", NEW), "/opt/new/ghcr.io/hosts.toml": HOSTS},
    "a socket and directories elsewhere": {
        MAIN: "version = 2\nroot = '/var/lib/other'\nstate = '/run/other'\n[grpc]\n  address = '/run/o.sock'\n"
        + WILDCARD
    },
    "files that are named": {
        MAIN: f"version = 2\n[{OLD}.containerd.runtimes.runc]\n  base_runtime_spec = '/etc/spec.json'\n{WILDCARD}",
        "/etc/spec.json": "{}",
    },
    "spaces in paths": {
        MAIN: "version = 2\nimports = ['/etc/a b/*.toml']\n",
        "/etc/a b/c d.toml": with_root("/opt/e f"),
        "/opt/e f/ghcr.io/hosts.toml": HOSTS,
    },
    "not TOML": {MAIN: "version = [\n"},
    "empty": {MAIN: ""},
    "bytes": {MAIN: "version = 2\r\n# \x85\u2028\r\n" + WILDCARD},
}
CORPUS: list[tuple[str, Files]] = [
    *LAYOUTS.items(),
    *((case.name, case.files.texts) for case in CASES),
    *((f"release {number}", case.files.texts) for number, case in enumerate(RELEASE_CASES)),
    *(
        (path.name, {MAIN: path.read_text(errors="surrogateescape")})
        for path in sorted(Path(os.environ.get("CONFIGURATIONS", "/nowhere")).glob("*.toml"))
    ),
]


@contextmanager
def holding(node: LabNode, files: Files) -> Iterator[None]:
    """Files of a node, for a while, in place of those below /etc/containerd; its daemon goes on with its own."""
    tops = "etc/containerd etc/other.toml etc/other.d etc/c.toml etc/d.toml etc/d.d etc/e.toml etc/spec.json"
    more = "'etc/a b' opt etc/docker/certs.d"
    node.feed(f"rm -rf /root/kept && mkdir /root/kept && cp -a {CONF} /root/kept && rm -rf {CONF}/*", b"")
    node.feed("tar -xP", _packed(files))
    try:
        yield
    finally:
        node.sh(f"cd / && rm -rf {tops} {more} && mkdir opt && cp -a /root/kept/containerd /etc && rm -rf /root/kept")


def _packed(files: Files) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            content = text.encode(errors="surrogateescape")
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def outcome(read: Callable[[Host], NodeFacts], host: Host) -> tuple[str, object]:
    """What is read and decided, without what changes by itself from one reading to the next."""
    try:
        facts = read(host)
    except Exception as error:  # whatever it is, both ways must say the same
        return f"{type(error).__name__}: {error}", None
    spaces = tuple(replace(space, bytes=0, inodes=None) for space in facts.headroom.spaces)
    facts = replace(facts, headroom=Headroom(None, tuple(dict.fromkeys(spaces))))
    return _decided(facts, host.name), facts


def _decided(facts: NodeFacts, name: str) -> str:
    policy = load(SHIPPED).policy(name)
    try:
        plan = plan_node(
            replace(facts, restart_pending=False), generation_of(facts.daemon.version), policy, render_hosts_toml
        )
    except ContainerdError as error:
        return f"{type(error).__name__}: {error}"
    return f"{plan.reason}\n{plan.diff}"


def differences(node: LabNode, corpus: list[tuple[str, Files]]) -> list[str]:
    host = load(SHIPPED).inventory.hosts[node.name]
    wrong = []
    for name, files in corpus:
        with holding(node, files):
            old, new = outcome(old_facts.read_facts, host), outcome(read_facts, host)
        if old != new:
            wrong.append(f"{name}: {old} != {new}")
    host.close_connections()
    return wrong


def test_old_and_new_facts_are_the_same(fresh: Fresh) -> None:
    nodes = fresh(*NODES)
    assert len(CORPUS) > 150
    with ThreadPoolExecutor(len(nodes)) as pool:
        layouts = list(pool.map(partial(differences, corpus=list(LAYOUTS.items())), nodes))
        rest = CORPUS[len(LAYOUTS) :]
        others = list(pool.map(differences, nodes, [rest[n :: len(nodes)] for n in range(len(nodes))]))
    found = [line for lines in (*layouts, *others) for line in lines]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", NODES)
def test_a_standard_node_is_read_in_one_call(fresh: Fresh, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(name)
    host = load(SHIPPED).inventory.hosts[name]
    calls: list[str] = []

    def counted(client: SSHClient, request: Request, cancelled: Callable[[], bool]) -> Completed:
        calls.append(request.name)
        return execute(client, request, cancelled)

    monkeypatch.setattr(ssh, "execute", counted)
    assert read_facts(host).cri.state == "ok"
    assert calls == ["facts"]
