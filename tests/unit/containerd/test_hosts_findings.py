"""What is said of the hosts.toml files of a node: what its version makes of them, the wildcard, missing files."""

from __future__ import annotations

import pytest

from caches.ports import port_findings
from containerd.decide import decide
from containerd.diagnose import diagnose
from containerd.hosts import tls_files
from containerd.model import FileSet, Policy, Strategy
from templates import render_hosts_toml
from tests.unit.caches.test_ports import PORTS
from tests.unit.containerd.samples import (
    CONFIG,
    DOCKER,
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
BEFORE = f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["https://old:5000"]\n'
DEFAULT = f"{ROOT}/_default/hosts.toml"
OTHER = f"{ROOT}/quay.io/hosts.toml"
MIRROR = '[host."http://m:1"]\n'


def codes(text: str, runs: str = "1.7.24", path: str = OTHER, config: str = DONE) -> list[tuple[str, str]]:
    found = diagnose(fileset(config, {path: text}), version(runs))
    return [(it.code, it.severity.value) for it in found if it.where == path]


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        pytest.param(hosts_toml("https://quay.io", "http://m:1"), "", "", id="sound"),
        pytest.param("", "", "", id="empty"),
        pytest.param("[", "hosts-toml-ignored", "hosts-toml-ignored", id="no TOML"),
        pytest.param('[host."http://[::1]:1"]\n', "hosts-toml-ignored", "", id="IPv6"),
        pytest.param(f'{MIRROR}dial_timeout = "5"\n', "", "hosts-toml-ignored", id="no unit"),
        pytest.param('host."http://m:1".skip_verify = true\n', "", "hosts-toml-host-skipped", id="dotted"),
        pytest.param(
            f'{MIRROR}server = "https://quay.io"\n',
            "hosts-toml-server-misplaced",
            "hosts-toml-server-misplaced",
            id="server below a header",
        ),
    ],
)
def test_what_its_author_may_not_expect(text: str, one: str, two: str) -> None:
    for runs, code in (("1.7.24", one), ("2.1.9", two)):
        config = DONE if runs < "2" else f"version = 3\n[{NEW}.registry]\nconfig_path = '{ROOT}'\n"
        assert [each for each, _ in codes(text, runs, config=config)] == [code] * bool(code)


def test_nothing_is_said_of_files_that_nobody_reads() -> None:
    assert codes("[", config="version = 2\n") == codes("[", path="/elsewhere/quay.io/hosts.toml") == []
    assert codes("[", "2.2.7", config="version = 3\n") == [("hosts-toml-ignored", "error")]


WILDCARD = ("wildcard-default", "warning")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (MIRROR, [WILDCARD]),
        ('server = "http://m:1"\n[host]\n', [WILDCARD]),
        (f'{MIRROR}capabilities = ["push"]\n', []),
        ("", []),
        ("# nothing\n[host]\n", []),
        ('[host."http://[::1]:1"]\n', [("hosts-toml-ignored", "error")]),
    ],
)
def test_the_wildcard_in_its_new_form(text: str, found: list[tuple[str, str]]) -> None:
    assert codes(text, path=DEFAULT) == found
    decision = decided(DONE, others={**PRESENT, DEFAULT: text})
    assert DEFAULT not in decision.files
    said = {(it.code, it.severity.value) for it in decision.findings if it.where == DEFAULT}
    assert said == set(found) | (set() if WILDCARD in found else {("foreign-hosts-toml", "note")})


def test_a_wildcard_that_wakes_up_is_named_with_what_it_does() -> None:
    found = {it.code: it for it in decided(BEFORE, others={DEFAULT: MIRROR}).findings if it.where == DEFAULT}
    assert set(found) == {"dormant-hosts-toml", "wildcard-default"}
    message = found["wildcard-default"].message
    assert message.startswith("every registry without a directory of its own is pulled from http://m:1: ")


def test_a_skipped_node_says_that_its_wildcard_is_in_use() -> None:
    decision = decided(DONE, strategy=Strategy.SKIP, others={DEFAULT: '[host."http://u:secret@m:1"]\n'})
    assert "with the wildcard mirror (http://" in decision.reason
    assert "secret" not in decision.reason
    assert "wildcard" not in decided(DONE, strategy=Strategy.SKIP, others=PRESENT).reason


@pytest.mark.parametrize(
    ("port", "code", "severity"), [(5000, "wildcard-cache", "warning"), (5020, "wrong-cache", "error")]
)
def test_the_gate_takes_it_for_a_wildcard(port: int, code: str, severity: str) -> None:
    files = fileset(DONE, {DEFAULT: f'[host."http://198.18.20.10:{port}"]\n'})
    [finding] = port_findings(files, version("1.7.24"), PORTS, "worker-2")
    assert (finding.code, finding.severity.value) == (code, severity)
    assert finding.fix.startswith(f"on worker-2: rm {DEFAULT}")


CA = 'server = "https://quay.io"\nca = "/ca.crt"\n\n[host]\n'
PAIR = f'{MIRROR}client = [["/c", "/k"]]\n'


def missing(text: str, present: frozenset[str], config: str = DONE, runs: str = "1.7.24") -> list[str]:
    files = FileSet(CONFIG, {CONFIG: config, **PRESENT, OTHER: text}, present)
    decision = decide(files, version(runs), Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml)
    return [it.message.split(" ")[2].rstrip(",") for it in decision.findings if it.blocks]


@pytest.mark.parametrize("config", [DONE, BEFORE])
def test_a_file_that_is_named_and_not_there_blocks(config: str) -> None:
    assert missing(CA, frozenset(), config) == ["/ca.crt"]
    assert missing(PAIR, frozenset({"/c"}), config) == ["/k"]
    assert missing(CA + PAIR, frozenset({"/ca.crt", "/c", "/k"}), config) == []


def test_audit_says_it_of_a_file_that_is_read_today() -> None:
    assert codes(CA) == [("tls-file-missing", "error")]


@pytest.mark.parametrize("runs", ["1.7.24", "2.1.9"])
def test_tls_of_config_toml_that_would_take_effect_with_a_missing_file_blocks(runs: str) -> None:
    config = f'version = 2\n[{OLD}.registry.configs."{DOCKER.upstream[8:]}".tls]\n  ca_file = "/ca.crt"\n'
    files = FileSet(CONFIG, {CONFIG: config})
    policy = Policy(Strategy.CONFIG_PATH, TABLE)
    decision = decide(files, version(runs), policy, render_hosts_toml)
    [finding] = [it for it in decision.findings if it.blocks]
    assert finding.code == "tls-file-missing"
    assert finding.message.startswith(f"{ROOT}/docker.io/hosts.toml names /ca.crt, which is not there")
    assert tls_files(files, version(runs)) == {"/ca.crt"}
    there = FileSet(CONFIG, {CONFIG: config}, frozenset({"/ca.crt"}))
    assert not [it for it in decide(there, version(runs), policy, render_hosts_toml).findings if it.blocks]


def test_which_files_a_node_is_asked_for() -> None:
    texts = {CONFIG: "[", OTHER: CA, f"{ROOT}/x/hosts.toml": f'{MIRROR}ca = ["../a.crt"]\n', DEFAULT: "["}
    assert tls_files(FileSet(CONFIG, texts), version("2.1.9")) == {"/ca.crt", f"{ROOT}/a.crt"}
