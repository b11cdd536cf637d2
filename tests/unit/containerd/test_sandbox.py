from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.model import FileSet
from containerd.probe import sandbox
from containerd.probe.sandbox_test import ALWAYS, Sandbox

CONFIG = "/etc/containerd/config.toml"
PROGRAMS = ("/usr/bin/containerd", "/usr/bin/ctr")


def of(text: str, others: dict[str, str] | None = None) -> Sandbox:
    return sandbox((FileSet(CONFIG, {CONFIG: text, **(others or {})}),), PROGRAMS)


def covered(found: Sandbox) -> set[str]:
    return {cover.path for cover in found.covers}


def left(found: Sandbox) -> set[str]:
    return {cover.path for cover in found.left}


def test_what_no_file_names_is_hidden_too() -> None:
    assert covered(of("")) == set(ALWAYS)
    assert of("").needed == (CONFIG, *PROGRAMS)
    assert left(of("")) == set()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('root = "/data/containerd"', "/data/containerd"),
        ('root = "/data/containerd/"', "/data/containerd"),
        ('root = "//data/./x/../containerd"', "/data/containerd"),
        ('root = "data"', "/data"),
        ('root = "\\/data\\/x"', "/data/x"),
        ('root = "/data/y"\n[note]\na = {\n  b = 1\n}', "/data/y"),
        ('root = "/data/z"\nnote = .5', "/data/z"),
        (f'root = "/data/deep"\n[{".".join(["a"] * 1500)}]', "/data/deep"),
        ('ROOT = "/data/upper"', "/data/upper"),
        ('root = "/data/a b"', "/data/a b"),
        ('state = "/var/state"', "/var/state"),
        ('temp = "/scratch"', "/scratch"),
        ('[grpc]\naddress = "/srv/c/containerd.sock"', "/srv/c"),
        ('[ttrpc]\naddress = "/srv/t/ttrpc.sock"', "/srv/t"),
        ('[debug]\naddress = "/srv/d/debug.sock"', "/srv/d"),
        ('[proxy_plugins.stargz]\ntype = "snapshot"\naddress = "/var/lib/stargz/x.sock"', "/var/lib/stargz"),
        ('[proxy_plugins.soci]\ntype = "snapshot"\naddress = "unix:///srv/soci/x.sock"', "/srv/soci"),
        ('[plugins."io.containerd.nri.v1.nri"]\nsocket_path = "/srv/nri/nri.sock"', "/srv/nri"),
        ('[plugins."io.containerd.nri.v1.nri"]\nplugin_path = "/usr/libexec/nri"', "/usr/libexec/nri"),
        ('[plugins."io.containerd.snapshotter.v1.overlayfs"]\nroot_path = "/fast/overlay"', "/fast/overlay"),
        ('[plugins.devmapper]\nroot_path = "/fast/devmapper"', "/fast/devmapper"),
        ('[plugins."io.containerd.server.v1.grpc"]\naddress = "/srv/2.3/c.sock"', "/srv/2.3"),
    ],
)
def test_what_a_file_names_is_hidden(text: str, path: str) -> None:
    assert path in covered(of(text))
    assert path in covered(of("", {"/etc/containerd/conf.d/10-more.toml": text}))


def test_it_says_which_setting_names_a_directory() -> None:
    [cover] = [cover for cover in of('root = "/data"').covers if cover.path == "/data"]
    assert cover.why == f"root in {CONFIG}"


@pytest.mark.parametrize(
    "text",
    [
        '[metrics]\naddress = "10.0.0.1:1338"',
        '[grpc]\ntcp_address = "10.0.0.1:4000"',
        '[proxy_plugins.far]\naddress = "tcp://10.0.0.1:4000"',
        '[proxy_plugins.abstract]\naddress = "@snapshotter"',
        '[plugins."io.containerd.internal.v1.opt"]\npath = "/opt/containerd"',
        '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"',
        '[plugins."io.containerd.grpc.v1.cri".cni]\nconf_dir = "/etc/cni/net.d"\nbin_dir = "/opt/cni/bin"',
        "root = 3\nstate = ''\ntemp = []\naddress = true",
        "[plugins",
    ],
)
def test_what_is_read_or_listens_on_a_network_stays(text: str) -> None:
    assert covered(of(text)) == set(ALWAYS)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/.",
        "..",
        "/etc",
        "/etc/",
        "/usr",
        "/usr/bin",
        "/usr/local/bin",
        "/bin",
        "/lib64",
        "/dev/x",
        "/proc/1",
    ],
)
def test_what_the_system_needs_is_never_hidden(path: str) -> None:
    found = of(f'root = "{path}"\n[debug]\naddress = "{path}/debug.sock"')
    assert covered(found) == set(ALWAYS)
    assert left(found) == {"/" + posixpath.normpath(f"/{path}").strip("/")}


def test_both_the_live_and_the_staged_files_count() -> None:
    live = FileSet(CONFIG, {CONFIG: 'root = "/a"'})
    staged = FileSet(CONFIG, {CONFIG: 'root = "/b"', "/b/config.toml": ""}, frozenset({"/b/spec.json"}))
    found = sandbox((live, staged), ("/b/bin/containerd",))
    assert {"/a", "/b"} <= covered(found)
    assert found.needed == ("/b/bin/containerd", "/b/config.toml", "/b/spec.json", CONFIG)


def test_what_is_read_later_need_not_stay() -> None:
    assert of("", {"/run/certs.d/docker.io/hosts.toml": "root = '/x'"}).needed == (CONFIG, *PROGRAMS)


SEGMENTS = st.lists(st.sampled_from(["", ".", "..", "etc", "usr", "bin", "lib", "data", "dev", "a b"]), max_size=6)


@given(SEGMENTS.map("/".join), st.booleans())
def test_no_spelling_hides_the_system(path: str, slash: bool) -> None:
    found = of(f'root = "{"/" * slash}{path}"')
    for cover in covered(found):
        assert cover == posixpath.normpath(cover)
        assert cover.startswith("/")
        assert not any(f"{needed}/".startswith(f"{cover.rstrip('/')}/") for needed in (CONFIG, *PROGRAMS))
