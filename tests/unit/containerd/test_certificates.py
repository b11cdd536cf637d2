"""Certificates in a registry's directory: what is read today is named by the hosts.toml that hides it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from containerd.decide import decide
from containerd.diagnose import diagnose
from containerd.hosts import HostEntry, HostsToml
from containerd.hosts.existing import read_back
from containerd.hosts.hosts_toml import NO_TLS, Tls
from containerd.model import Decision, FileSet, Policy, Registry, Strategy
from templates import render_hosts_toml
from tests.unit.containerd.samples import CONFIG, GHCR, OLD, ROOT, version

CACHE = ("http://10.0.20.10:5090",)
HARBOR = Registry("r.lan:5000", "https://r.lan:5000", CACHE)
ON_PATH = f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"
MIRRORS = f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["https://old:5000"]\n'
NEW_FILE = f"{ROOT}/r.lan_5000_/hosts.toml"


def decided(
    certificates: list[str],
    registry: Registry = HARBOR,
    config: str = ON_PATH,
    runs: str = "1.7.24",
    texts: Mapping[str, str] = MappingProxyType({}),
) -> Decision:
    """The decision on a node that has certificates, by their names alone, and hosts.toml files."""
    files = FileSet(CONFIG, {CONFIG: config, **texts}, frozenset(certificates))
    return decide(files, version(runs), Policy(Strategy.CONFIG_PATH, (registry,)), render_hosts_toml)


def server_tls(decision: Decision, path: str) -> Tls:
    file = read_back(decision.files[path], render_hosts_toml)
    assert file is not None
    assert all(entry.tls == NO_TLS for entry in file.hosts)
    return file.tls


HERE = f"{ROOT}/r.lan:5000"
FORMS = {
    "an authority": (["ca.crt"], Tls(ca=("ca.crt",))),
    "several": (["b.crt", "a.crt"], Tls(ca=("a.crt", "b.crt"))),
    "a pair": (["c.cert", "c.key"], Tls(client=(("c.cert", "c.key"),))),
    "a certificate with its key inside": (["c.cert"], Tls(client=(("c.cert", "c.cert"),))),
    "all of it": (
        ["ca.crt", "c.cert", "c.key", "d.cert", "d.key"],
        Tls(ca=("ca.crt",), client=(("c.cert", "c.key"), ("d.cert", "d.key"))),
    ),
    "a key alone": (["c.key"], NO_TLS),
}


@pytest.mark.parametrize("directory", ["r.lan_5000_", "r.lan:5000"])
@pytest.mark.parametrize("name", FORMS)
def test_certificates_go_on_in_the_file_that_hides_them(name: str, directory: str) -> None:
    names, tls = FORMS[name]
    home = f"{ROOT}/{directory}"
    decision = decided([f"{home}/{each}" for each in names])
    moved = Tls(
        ca=tuple(f"{home}/{each}" for each in tls.ca),
        client=tuple((f"{home}/{cert}", f"{home}/{key}") for cert, key in tls.client),
    )
    assert server_tls(decision, f"{home}/hosts.toml") == moved
    codes = [(it.code, it.severity.value, it.where) for it in decision.findings]
    assert codes == ([] if tls == NO_TLS else [("certificate-carried", "note", home)])
    again = decided([f"{home}/{each}" for each in names], texts=decision.files)
    assert not again.changed
    assert again.findings == ()


@pytest.mark.parametrize("runs", ["1.6.20", "1.7.24", "2.1.9", "2.3.4"])
def test_those_of_default_hold_for_a_registry_until_it_has_a_directory(runs: str) -> None:
    ca = f"{ROOT}/_default/proxy.crt"
    assert server_tls(decided([ca], GHCR, runs=runs), f"{ROOT}/ghcr.io/hosts.toml") == Tls(ca=(ca,))
    own = f"{ROOT}/ghcr.io/own.crt"
    assert server_tls(decided([ca, own], GHCR, runs=runs), f"{ROOT}/ghcr.io/hosts.toml") == Tls(ca=(own,))


def test_the_first_spelling_of_a_directory_is_the_one_that_is_read() -> None:
    one, other = f"{ROOT}/r.lan_5000_/a.crt", f"{ROOT}/r.lan:5000/b.crt"
    decision = decided([one, other])
    assert list(decision.files) == [NEW_FILE]
    assert server_tls(decision, NEW_FILE) == Tls(ca=(one,))
    shadowed = decided([one], texts={f"{ROOT}/r.lan:5000/hosts.toml": "# nobody reads this\n"})
    assert NEW_FILE in shadowed.files


@pytest.mark.parametrize("text", ["", '[host."http://[::1]:1"]\n', "["])
def test_beside_a_file_that_does_not_count_they_are_read(text: str) -> None:
    ca = f"{ROOT}/ghcr.io/ca.crt"
    files = FileSet(CONFIG, {CONFIG: ON_PATH, f"{ROOT}/ghcr.io/hosts.toml": text}, frozenset({ca}))
    assert "certificate-not-read" not in [it.code for it in diagnose(files, version("1.7.24"))]


def test_beside_a_file_that_counts_they_are_not() -> None:
    ca = f"{ROOT}/x.lan/ca.crt"
    path, text = f"{ROOT}/x.lan/hosts.toml", 'server = "https://x.lan"\n[host]\n'
    files = FileSet(CONFIG, {CONFIG: ON_PATH, path: text}, frozenset({ca}))
    assert [it.where for it in diagnose(files, version("1.7.24")) if it.code == "certificate-not-read"] == [ca]
    assert ca not in str(decided([ca], texts={path: text}).files)
    named = FileSet(CONFIG, {CONFIG: ON_PATH, path: f'ca = "ca.crt"\n{text}'}, frozenset({ca}))
    assert "certificate-not-read" not in [it.code for it in diagnose(named, version("1.7.24"))]


@pytest.mark.parametrize("upstream", ["http://r.lan:5000", "https://other.lan"])
def test_for_another_server_they_are_reported_and_not_carried(upstream: str) -> None:
    ca = f"{HERE}/ca.crt"
    decision = decided([ca, f"{HERE}/c.key"], Registry("r.lan:5000", upstream, CACHE))
    assert server_tls(decision, f"{HERE}/hosts.toml") == NO_TLS
    assert [(it.code, it.severity.value, it.where) for it in decision.findings] == [
        ("certificate-not-read", "warning", ca)
    ]


def test_those_that_are_not_read_today_stay_so() -> None:
    decision = decided([f"{ROOT}/ghcr.io/ca.crt"], GHCR, MIRRORS)
    assert server_tls(decision, f"{ROOT}/ghcr.io/hosts.toml") == NO_TLS
    assert decision.findings == ()


def test_a_directory_of_dockers_goes_on_where_2_2_reads_it_of_itself() -> None:
    ca = "/etc/docker/certs.d/r.lan:5000/ca.crt"
    decision = decided([ca], GHCR, "version = 3\n", "2.2.7")
    assert read_back(decision.files[NEW_FILE], render_hosts_toml) == HostsToml("https://r.lan:5000", (), Tls(ca=(ca,)))
    assert "certificate-carried" in [it.code for it in decision.findings]
    assert server_tls(decided([ca], HARBOR, "version = 3\n", "2.2.7"), NEW_FILE) == Tls(ca=(ca,))
    assert NEW_FILE not in decided([ca], GHCR, "version = 3\n", "2.1.9").files


def test_what_default_says_of_every_registrys_own_server_goes_on() -> None:
    text = 'ca = "proxy.crt"\nclient = [["c.pem", ""]]\nskip_verify = true\n[host."http://m:1"]\n'
    path, home = f"{ROOT}/_default/hosts.toml", f"{ROOT}/_default"
    moved = Tls(True, (f"{home}/proxy.crt",), ((f"{home}/c.pem", f"{home}/c.pem"),))
    assert server_tls(decided([], GHCR, texts={path: text}), f"{ROOT}/ghcr.io/hosts.toml") == moved
    elsewhere = f'server = "https://other"\n{text}'
    assert server_tls(decided([], GHCR, texts={path: elsewhere}), f"{ROOT}/ghcr.io/hosts.toml") == NO_TLS


def test_a_file_of_ours_that_is_there_already_takes_nothing_of_default() -> None:
    ours = render_hosts_toml(HostsToml("https://x.lan", (HostEntry("https://m.lan"),)))
    tls = f'[{OLD}.registry.configs."m.lan".tls]\n  insecure_skip_verify = true\n'
    there = {f"{ROOT}/x.lan/hosts.toml": ours, **decided([], GHCR).files}
    decision = decided([f"{ROOT}/_default/a.crt"], GHCR, ON_PATH + tls, "2.1.9", there)
    assert "skip_verify" in decision.files[f"{ROOT}/x.lan/hosts.toml"]
    assert "a.crt" not in decision.files[f"{ROOT}/x.lan/hosts.toml"]
    assert not [it for it in decision.findings if it.code == "certificate-not-read"]
    # It has a directory of its own from now on, which hides those of `_default`.
    assert server_tls(decision, f"{ROOT}/m.lan/hosts.toml") == Tls(True, (f"{ROOT}/_default/a.crt",))


def test_default_of_the_first_root_hides_the_second_root() -> None:
    names = ["/etc/docker/certs.d/r.lan:5000/ca.crt", f"{ROOT}/_default/proxy.crt"]
    decision = decided(names, GHCR, "version = 3\n", "2.2.7")
    assert NEW_FILE not in decision.files


def test_they_go_beside_the_tls_of_config_toml() -> None:
    ca = f"{HERE}/ca.crt"
    tls = f'[{OLD}.registry.configs."r.lan:5000".tls]\n  ca_file = "/old.crt"\n'
    files = FileSet(CONFIG, {CONFIG: ON_PATH + tls}, frozenset({ca, "/old.crt"}))
    policy = Policy(Strategy.CONFIG_PATH, (Registry("r.lan:5000", "https://r.lan:5000", CACHE),))
    decision = decide(files, version("2.1.9"), policy, render_hosts_toml)
    file = read_back(decision.files[f"{HERE}/hosts.toml"], render_hosts_toml)
    assert file == HostsToml("https://r.lan:5000", (HostEntry(CACHE[0]),), Tls(ca=("/old.crt", ca)))
