"""hosts.toml files that are on the node already: ours, somebody else's, and those that were asleep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.hosts import HostEntry, HostsToml, Site
from containerd.hosts.existing import read_back
from containerd.hosts.hosts_toml import Tls
from containerd.model import Registry
from templates import render_hosts_toml
from tests.unit.containerd.samples import (
    DOCKER_HOSTS,
    GHCR_HOSTS,
    NEW,
    OLD,
    PRESENT,
    ROOT,
    TABLE,
    decided,
    fileset,
    hosts_toml,
    version,
)

DONE = f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"
DONE_2 = f"version = 3\n[{NEW}.registry]\nconfig_path = '{ROOT}'\n"
BEFORE = f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["https://old:5000"]\n'
GHCR_FILE = f"{ROOT}/ghcr.io/hosts.toml"
SPEGEL = """server = 'https://ghcr.io'

[host]
[host.'http://127.0.0.1:30020']
capabilities = ['pull', 'resolve']
dial_timeout = '200ms'
"""


def site(text: str, runs: str = "1.7.24") -> Site:
    return Site(ROOT, fileset(DONE, {GHCR_FILE: text}), version(runs), render_hosts_toml, lambda *_: "")


def asks(text: str, url: str, runs: str = "1.7.24") -> bool:
    return site(text, runs).asks(GHCR_FILE, text, (HostEntry(url),))


def says_the_same(text: str, planned: str, runs: str = "1.7.24") -> bool:
    return site(text, runs).says_the_same(GHCR_FILE, planned)


@pytest.mark.parametrize(
    "file",
    [
        HostsToml("https://ghcr.io", (HostEntry("http://10.0.20.10:5010"),)),
        HostsToml("https://ghcr.io", (HostEntry("http://a:1"), HostEntry("https://b/v2/x", override_path=True))),
        HostsToml(None, (HostEntry("http://a:1"),)),
        HostsToml("https://h", (), Tls(True, ("/ca",), (("/c", "/k"),))),
        HostsToml("https://h", (HostEntry("https://a", tls=Tls(ca=('/a "quoted" ca',))),), Tls(client=(("/c", "/k"),))),
        HostsToml("https://h", (), Tls(ca=("/a", "/b"), client=(("/c", "/k"), ("/d", "/d")))),
    ],
)
def test_what_we_write_is_known_again(file: HostsToml) -> None:
    assert read_back(render_hosts_toml(file), render_hosts_toml) == file


URLS = st.from_regex(r"https?://[a-z.]{1,9}(:[0-9]{1,4})?(/v2/[a-z]+)?", fullmatch=True)
PATHS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TLS = st.builds(
    Tls,
    st.booleans(),
    st.lists(PATHS, max_size=2).map(tuple),
    st.lists(st.tuples(PATHS, PATHS), max_size=2).map(tuple),
)
HOSTS = st.lists(st.builds(HostEntry, URLS, st.booleans(), TLS), max_size=3, unique_by=lambda host: host.url).map(tuple)


@given(st.builds(HostsToml, st.none() | URLS, HOSTS, TLS, st.booleans()))
def test_whatever_we_write_is_known_again(file: HostsToml) -> None:
    written = file if file.server else HostsToml(None, file.hosts)
    assert read_back(render_hosts_toml(file), render_hosts_toml) == written


@given(st.text() | st.text().map(lambda note: f"# {note}\n{GHCR_HOSTS}"))
def test_any_other_text_is_foreign(text: str) -> None:
    assert read_back(text, render_hosts_toml) is None
    asks(text, "http://a")
    says_the_same(text, GHCR_HOSTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        SPEGEL,
        GHCR_HOSTS + "# a note\n",
        GHCR_HOSTS.replace("\n", "\r\n"),
        GHCR_HOSTS.replace("  capabilities", "capabilities"),
        GHCR_HOSTS + "  skip_verify = false\n",
        "server = 1\n\n[host]\n",
        'server = "https://h"\nca = ["/ca"]\n\n[host]\n',
        'server = "https://h"\nclient = ["/c", "/k"]\n\n[host]\n',
        'server = "https://h"\n',
        "host = 1\n",
        "host = {x = 1}\n",
    ],
)
def test_every_other_file_is_foreign(text: str) -> None:
    assert read_back(text, render_hosts_toml) is None


@pytest.mark.parametrize("earlier", [["https://ghcr.io", "http://10.0.20.9:5010"], ["https://mirror", "http://a"]])
def test_a_file_of_an_earlier_table_is_replaced(earlier: list[str]) -> None:
    decision = decided(DONE, others={**PRESENT, GHCR_FILE: hosts_toml(*earlier)})
    assert dict(decision.files) == {GHCR_FILE: GHCR_HOSTS}
    assert decision.notes == (f"{GHCR_FILE} is there already and is replaced",)
    assert decision.findings == ()


@pytest.mark.parametrize("config", [DONE, BEFORE])
@pytest.mark.parametrize("text", [SPEGEL, "", "[", "# mine\n" + hosts_toml("https://ghcr.io", "http://mine:5000")])
def test_a_foreign_file_is_kept_and_its_registry_has_no_cache(text: str, config: str) -> None:
    decision = decided(config, others={**PRESENT, GHCR_FILE: text})
    assert GHCR_FILE not in decision.files
    found = [finding for finding in decision.findings if finding.where == GHCR_FILE]
    assert [(finding.code, finding.severity) for finding in found] == [("foreign-hosts-toml", "warning")]
    assert "ghcr.io does not use its cache" in found[0].message
    assert 'add [host."http://10.0.20.10:5010"]' in found[0].fix
    assert decision.losses == ()


def test_what_becomes_of_the_mirror_of_a_registry_with_a_foreign_file() -> None:
    config = f'version = 2\n[{OLD}.registry.mirrors."ghcr.io"]\n  endpoint = ["http://10.0.20.10:5010"]\n'
    for text, outcome, words in ((SPEGEL, "replaced", "which is kept"), (f"# mine\n{GHCR_HOSTS}", "replaced", "cache")):
        [mirror] = decided(config, others={**PRESENT, GHCR_FILE: text}).accounting
        assert mirror.outcome == outcome
        assert words in mirror.to


def test_a_foreign_file_that_asks_our_cache_is_fine() -> None:
    decision = decided(DONE, others={**PRESENT, GHCR_FILE: f"# mine\n{GHCR_HOSTS}"})
    assert not decision.changed
    assert [finding.severity for finding in decision.findings] == ["note"]


QUAY = f"{ROOT}/quay.io/hosts.toml"
MIRROR = f'{BEFORE}[{OLD}.registry.mirrors."quay.io"]\n  endpoint = ["http://q", "http://r"]\n'


def test_a_mirror_does_not_replace_a_file() -> None:
    decision = decided(MIRROR, others={**PRESENT, QUAY: hosts_toml("https://quay.io", "http://q")})
    assert QUAY not in decision.files
    assert [(loss.code, loss.severity) for loss in decision.losses] == [("mirror-in-foreign-file", "error")]
    assert QUAY in decision.losses[0].message
    assert [(each.outcome, each.to) for each in decision.accounting if "quay" in each.key] == [
        ("moved", f'{QUAY}: [host."http://q"]'),
        ("lost", decision.losses[0].fix),
    ]


@pytest.mark.parametrize("note", ["", "# mine\n"])
def test_a_mirror_that_is_there_already_is_kept(note: str) -> None:
    there = note + hosts_toml("https://quay.io", "http://q", "http://r")
    decision = decided(MIRROR, others={**PRESENT, QUAY: there})
    assert QUAY not in decision.files
    assert decision.losses == ()


def test_files_that_wake_up_are_reported() -> None:
    sleeping = {f"{ROOT}/_default/hosts.toml": "", "/elsewhere/hosts.toml": ""}
    decision = decided(BEFORE, others={**PRESENT, **sleeping})
    assert [(finding.code, finding.where) for finding in decision.findings] == [
        ("dormant-hosts-toml", f"{ROOT}/_default/hosts.toml")
    ]
    assert "unread until now" in decision.findings[0].message
    awake = decided(DONE, others={**PRESENT, **sleeping}).findings
    assert {(finding.code, finding.severity.value) for finding in awake} == {("foreign-hosts-toml", "note")}


def test_2_2_reads_the_built_in_roots_before_anything_is_set() -> None:
    there = {**PRESENT, f"{ROOT}/_default/hosts.toml": "", "/etc/docker/certs.d/r.example/hosts.toml": ""}
    assert decided("version = 3\n", "2.1.9", others=there).findings[0].code == "dormant-hosts-toml"
    decision = decided("version = 3\n", "2.2.7", others=there)
    assert [(finding.code, finding.where) for finding in decision.findings] == [
        ("root-not-read", "/etc/docker/certs.d/r.example/hosts.toml"),
        ("foreign-hosts-toml", f"{ROOT}/_default/hosts.toml"),
    ]


@pytest.mark.parametrize("directory", ["r_5000_", "r:5000"])
def test_a_registry_with_a_port_has_the_file_that_containerd_reads(directory: str) -> None:
    registry = Registry("r:5000", "https://r:5000", ("http://c:1",))
    path = f"{ROOT}/{directory}/hosts.toml"
    decision = decided(DONE, others={**PRESENT, path: SPEGEL}, registries=(*TABLE, registry))
    assert not decision.changed
    assert [finding.where for finding in decision.findings] == [path]


HOST = '[host."http://10.0.20.10:5010"]\n'


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        pytest.param(GHCR_HOSTS, True, True, id="ours"),
        pytest.param(f"{HOST}", True, True, id="every capability"),
        pytest.param('server = "http://10.0.20.10:5010/"\n[host]\n', True, True, id="as server, with a slash"),
        pytest.param(f'{HOST}capabilities = ["pull"]\n', False, False, id="for no tag"),
        pytest.param(f"{HOST}override_path = true\n", False, False, id="at another path"),
        pytest.param(f'{HOST}[host."http://[fd00::1]:1"]\n', False, True, id="beside an IPv6 address"),
        pytest.param('host."http://10.0.20.10:5010".capabilities = []\n', True, False, id="dotted"),
        pytest.param(f'{HOST}dial_timeout = "5"\n', True, False, id="a time without a unit"),
        pytest.param(f"\ufeff{HOST}", True, False, id="a byte order mark"),
        pytest.param(f"# {HOST}", False, False, id="in a comment"),
        pytest.param("[", False, False, id="no TOML"),
        pytest.param("host = 1\n", False, False, id="no table"),
    ],
)
def test_whom_a_file_asks_is_told_by_the_version_and_not_by_the_text(text: str, one: bool, two: bool) -> None:
    assert (asks(text, "http://10.0.20.10:5010"), asks(text, "http://10.0.20.10:5010", "2.1.9")) == (one, two)
    for runs, uses in (("1.7.24", one), ("2.1.9", two)):
        decision = decided(DONE if runs < "2" else DONE_2, runs, others={**PRESENT, GHCR_FILE: text})
        severities = [str(it.severity.value) for it in decision.findings if it.code == "foreign-hosts-toml"]
        assert severities == ([] if text == GHCR_HOSTS else ["note" if uses else "warning"])


def test_a_file_that_is_ignored_is_reported_with_the_reason() -> None:
    decision = decided(DONE, others={**PRESENT, GHCR_FILE: f'{HOST}[host."http://[fd00::1]:1"]\n'})
    [finding] = [it for it in decision.findings if it.code == "foreign-hosts-toml"]
    assert "containerd 1.7.24 ignores all of it: " in finding.message


def test_the_order_of_hosts_counts() -> None:
    one, other = hosts_toml("https://h", "http://a", "http://b"), hosts_toml("https://h", "http://b", "http://a")
    assert says_the_same("# note\n" + one, one)
    assert not says_the_same(other, one)
    assert not says_the_same(DOCKER_HOSTS, one)
    assert not says_the_same(f"\ufeff{one}", one, "2.1.9")


def test_a_mirror_named_default_named_no_image_and_is_no_catch_all_now() -> None:
    decision = decided(f'version = 2\n[{OLD}.registry.mirrors."_default"]\n  endpoint = ["http://a"]\n')
    assert not [path for path in decision.files if "_default" in path]
    assert {each.outcome for each in decision.accounting} == {"removed"}


@pytest.mark.parametrize(
    "form",
    [
        'host = {"http://10.0.20.10:5010" = {capabilities = ["pull", "resolve"]}}\n',
        'host."http://10.0.20.10:5010".capabilities = ["pull", "resolve"]\n',
    ],
)
def test_a_host_that_is_no_table_of_its_own_does_not_count(form: str) -> None:
    """containerd 2.x skips it without a word."""
    there = {**PRESENT, GHCR_FILE: f'server = "https://ghcr.io"\n{form}'}
    [finding] = decided(DONE, "2.1.9", others=there).findings
    assert (finding.code, finding.severity.value, finding.where) == ("foreign-hosts-toml", "warning", GHCR_FILE)
