"""Every registry setting is accounted for, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.model import Accounted, Registry, Strategy
from containerd.model.dispositions import Outcome
from containerd.toml import parse
from tests.unit.containerd.samples import CONFIG, DOCKER, NEW, OLD, PRESENT, ROOT, decided

FULL = f"""version = 2
[{OLD}.registry]
  config_path = ""
  [{OLD}.registry.auths."https://u:p@h"]
    username = "hunter2"
  [{OLD}.registry.configs."h".auth]
    password = "hunter2"
  [{OLD}.registry.configs."h".tls]
    ca_file = "/ca"
  [{OLD}.registry.headers]
    X-Token = ["hunter2"]
  [{OLD}.registry.mirrors."*"]
    endpoint = ["http://u:hunter2@old"]
  [{OLD}.registry.mirrors."docker.io"]
    endpoint = ["http://10.0.20.10:5000", "http://x"]
  [{OLD}.registry.mirrors."quay.io"]
    endpoint = ["https://q/v2/proxy", "repo/path", "https://q/v2/proxy/"]
    rewrite = "x"
  [{OLD}.registry.mirrors."empty.example"]
"""


def spelled(accounting: tuple[Accounted, ...]) -> dict[str, tuple[Outcome, str]]:
    found = {each.key.removeprefix(f"{OLD}.registry."): (each.outcome, each.to) for each in accounting}
    assert len(found) == len(accounting)
    return found


def test_every_kind_of_setting() -> None:
    cache = "the table's cache (http://10.0.20.10:5000), in /etc/containerd/certs.d/docker.io/hosts.toml"
    quay = f"{ROOT}/quay.io/hosts.toml"
    decision = decided(FULL.replace('configs."h".tls', 'configs."h.example".tls'))
    assert spelled(decision.accounting) == {
        "config_path": ("replaced", f'config_path = "{ROOT}"'),
        'auths."https://****@h"': ("kept", "stays where it is"),
        "configs.h.auth": ("kept", "stays where it is"),
        'configs."h.example".tls.ca_file': ("moved", f"{ROOT}/h.example/hosts.toml: server ca"),
        'headers."X-Token"': ("kept", "stays where it is"),
        'mirrors."*".endpoint[0]': (
            "replaced",
            "the caches of docker.io, ghcr.io; other registries are pulled from their upstream",
        ),
        'mirrors."docker.io".endpoint[0]': ("moved", f"{ROOT}/docker.io/hosts.toml"),
        'mirrors."docker.io".endpoint[1]': ("replaced", cache),
        'mirrors."quay.io".endpoint[0]': ("moved", f'{quay}: [host."https://q/v2/proxy"] with override_path'),
        'mirrors."quay.io".endpoint[1]': ("removed", "never worked: a repository path without a scheme"),
        'mirrors."quay.io".endpoint[2]': ("moved", f'{quay}: [host."https://q/v2/proxy/"] with override_path'),
        'mirrors."quay.io".rewrite': ("removed", "is no setting of containerd"),
        'mirrors."empty.example"': ("removed", "empty.example is pulled from its upstream, as before"),
    }
    assert "hunter2" not in str((decision.accounting, decision.notes, decision.findings, decision.losses))


def test_the_strategy_mirrors() -> None:
    found = spelled(decided(FULL, strategy=Strategy.MIRRORS).accounting)
    assert {outcome for key, (outcome, _) in found.items() if key not in {'mirrors."*".endpoint[0]'}} == {
        "kept",
        "replaced",
    }
    assert found['mirrors."*".endpoint[0]'][0] == "replaced"
    assert found['mirrors."docker.io".endpoint[0]'] == ("replaced", "the table's cache (http://10.0.20.10:5000)")
    assert found['mirrors."quay.io".endpoint[1]'][0] == "kept"


def test_a_skipped_node_keeps_everything() -> None:
    accounting = decided(FULL, strategy=Strategy.SKIP).accounting
    assert {each.outcome for each in accounting} == {"kept"}
    assert any("mirrors" in each.key for each in accounting)


def test_a_path_that_1_5_cannot_say_is_lost() -> None:
    config = f'version = 2\n[{OLD}.registry.mirrors."quay.io"]\n  endpoint = ["https://q/v2/proxy", "https://r"]\n'
    decision = decided(config, "1.5.18")
    assert [loss.code for loss in decision.losses] == ["override-path-not-honoured"]
    assert "https://q/v2/proxy" not in decision.files[f"{ROOT}/quay.io/hosts.toml"]
    assert "https://r" in decision.files[f"{ROOT}/quay.io/hosts.toml"]
    assert [each.outcome for each in decision.accounting] == ["lost", "moved"]


def test_what_is_not_read_is_told_apart() -> None:
    config = f"version = 2\n[{OLD}.registry]\n[{NEW}.registry]\n  config_path = '/x'\n  headers = {{X = ['y']}}\n"
    on_2 = decided(config, "2.1.9").accounting
    assert [(each.key, each.outcome) for each in on_2] == [
        (f"{NEW}.registry.config_path", "removed"),
        (f"{NEW}.registry.headers.X", "kept"),
    ]
    assert {(each.outcome, "does not read it" in each.to) for each in decided(config).accounting} == {("kept", True)}


@pytest.mark.parametrize("registries", [(), (DOCKER,)])
def test_a_wildcard_without_a_table(registries: tuple[Registry, ...]) -> None:
    config = f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://old"]\n'
    [wildcard] = decided(config, registries=registries).accounting
    assert wildcard.outcome == ("replaced" if registries else "removed")


HOSTS = ["docker.io", "quay.io", "*", "h.example", "10.0.0.5:5000", "registry-1.docker.io", "https://h", "x"]
ENDPOINTS = ["http://10.0.0.5:5000", "https://h.example", "https://h.example/v2/p", "x", "a/b", "https://quay.io"]
TLS = ["insecure_skip_verify = true", 'ca_file = "/ca"', 'cert_file = "/c"', 'key_file = "/k"', "other = 1"]


@st.composite
def registry_tables(draw: st.DrawFn) -> str:
    lines = ["version = 2\n"]
    for host in draw(st.lists(st.sampled_from(HOSTS), unique=True)):
        endpoints = draw(st.lists(st.sampled_from(ENDPOINTS), max_size=3))
        lines.append(f'[{OLD}.registry.mirrors."{host}"]\n  endpoint = {endpoints}\n')
    for host in draw(st.lists(st.sampled_from(HOSTS), unique=True)):
        keys = draw(st.lists(st.sampled_from(TLS), unique=True))
        lines.append(f'[{OLD}.registry.configs."{host}".tls]\n' + "".join(f"  {key}\n" for key in keys))
        if draw(st.booleans()):
            lines.append(f'[{OLD}.registry.configs."{host}".auth]\n  username = "u"\n')
    return lines[0] + "".join(draw(st.permutations(lines[1:])))


def leaves(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    registry = data.get("plugins", {}).get("io.containerd.grpc.v1.cri", {}).get("registry", {})
    for name, mirror in registry.get("mirrors", {}).items():
        yield from (("mirrors", name, f"endpoint[{number}]") for number, _ in enumerate(mirror["endpoint"]))
        if not mirror["endpoint"]:
            yield ("mirrors", name)
    for host, config in registry.get("configs", {}).items():
        if "auth" in config:
            yield ("configs", host, "auth")
        yield from (("configs", host, "tls", key) for key in config["tls"])
        if not config["tls"]:
            yield ("configs", host, "tls")


@settings(max_examples=300, deadline=None)
@given(registry_tables(), st.sampled_from(["1.6.20", "1.7.24", "2.1.9", "2.3.4"]))
def test_nothing_goes_without_a_word(config: str, runs: str) -> None:
    decision = decided(config, runs)
    assert len(decision.accounting) == len(list(leaves(parse(config))))
    lost = [each for each in decision.accounting if each.outcome == "lost"]
    assert bool(lost) == bool(decision.losses)
    for each in decision.accounting:
        if each.outcome == "moved":
            place = each.to.partition("/hosts.toml")[0] + "/hosts.toml"
            assert place in {**PRESENT, **decision.files}
    if decision.files:
        again = decided(decision.files.get(CONFIG, config), runs, others={**PRESENT, **decision.files})
        assert not again.changed
        assert again.losses == ()
