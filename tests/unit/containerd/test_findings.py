from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import Finding, Severity
from containerd.diagnose import diagnose
from containerd.model import MAIN, FileSet
from tests.unit.containerd.prediction_cases import (
    CASES,
    IMPORTS,
    V2,
    V3,
    VERSIONS,
    auth,
    config_path,
    file_set,
    mirrors,
    tls,
)
from tests.unit.containerd.samples import NEW, OLD, version

DROPIN = "/etc/containerd/conf.d/0.toml"
TWO_ROOTS = "/etc/containerd/certs.d:/etc/docker/certs.d"


def found(runs: str, main: str, *dropins: str) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in diagnose(file_set(main, *dropins), version(runs))]


@pytest.mark.parametrize(
    ("runs", "main", "expected"),
    [
        ("1.7.24", V2, []),
        ("2.1.9", "", []),
        ("1.7.24", V2 + config_path(OLD) + mirrors(OLD, "a"), [("conflict", 5)]),
        ("2.1.9", V2 + config_path(OLD) + mirrors(OLD, "a"), [("conflict", 5)]),
        ("1.7.24", V2 + config_path(OLD) + tls(OLD, ""), [("tls-conflict", 4)]),
        ("2.1.9", V2 + config_path(OLD) + tls(OLD), [("tls-ignored", 5), ("local-pull-mode", 5)]),
        ("2.0.11", V2 + config_path(OLD) + tls(OLD, ""), [("tls-ignored", 4)]),
        ("2.2.1", V2 + mirrors(OLD, "a"), [("built-in-config-path", 3)]),
        ("2.2.2", V2 + mirrors(OLD, "a"), []),
        ("1.7.24", V2 + mirrors(OLD), [("wildcard-mirror", 3)]),
        ("1.7.24", V2 + f'[{OLD}.registry.mirrors.a]\nendpoint = ["b:5/c"]\n', [("endpoint-without-scheme", 3)]),
        ("1.7.24", V2 + config_path(OLD, TWO_ROOTS), [("multi-root-config-path", 3)]),
        ("1.7.24", V2 + config_path(OLD, "certs.d"), [("config-path-not-absolute", 3)]),
        ("1.7.24", V2 + f'[{OLD}.registry.configs."docker.io".auth]\nusername = "u"\n', [("auth-never-matches", 3)]),
        ("1.7.24", V2 + f'[{OLD}.registry.configs."https://a".tls]\nca_file = "/c"\n', [("tls-never-matches", 3)]),
        ("1.7.24", V2 + f'[{OLD}.registry.auths."https://a"]\nusername = "u"\n', [("deprecated-auths", 3)]),
        ("2.1.9", V2 + auth(OLD), [("local-pull-mode", 3)]),
        ("1.7.24", config_path("plugins.cri"), [("version-missing", 1)]),
        ("1.7.24", config_path(OLD), [("version-missing", 1), ("dead-tables", 1)]),
        ("2.2.7", config_path(OLD), [("version-missing", 1), ("dead-tables", 1)]),
        ("2.3.4", config_path(OLD), [("version-missing", 1)]),
        (
            "2.3.4",
            config_path("plugins.cri") + config_path(OLD),
            [("version-missing", 1), ("ambiguous-plugin-names", 3)],
        ),
        ("1.7.24", V2 + config_path(NEW), [("dead-tables", 2)]),
        ("2.1.9", V2 + config_path("plugins.cri"), [("dead-tables", 2)]),
        ("2.1.9", V3 + config_path(NEW) + config_path(OLD), [("dead-tables", 4), ("stale-old-table", 4)]),
        ("2.3.4", V3 + config_path(NEW) + config_path(OLD), [("stale-old-table", 4)]),
        ("2.1.9", V2 + config_path(NEW) + config_path(OLD), [("stale-old-table", 4)]),
        ("2.1.9", V3 + f'[{OLD}]\nstream_server_port = "0"\n', []),
        ("1.7.24", V2 + 'required_plugins = ["io.containerd.grpc.v1.cri"]\n', [("required-plugins", 2)]),
        ("1.7.24", 'disabled_plugins = ["cri"]\n', [("version-missing", 1), ("cri-disabled", 1)]),
        ("1.7.24", V2 + f'[{OLD}.containerd]\nsnapshotter = "nope"\n', [("cri-error", 1)]),
        ("1.7.24", V3, [("daemon-dead", 1)]),
        ("1.7.24", "[", [("daemon-dead", 1)]),
    ],
)
def test_what_is_found_in_a_file(runs: str, main: str, expected: list[tuple[str, int]]) -> None:
    assert found(runs, main) == [(code, f"{MAIN}:{line}") for code, line in expected]


@pytest.mark.parametrize(
    ("runs", "main", "dropin", "code", "where"),
    [
        ("2.1.9", config_path(OLD), mirrors(OLD, "a"), "conflict", f"{DROPIN}:3"),
        ("1.7.24", config_path(OLD), mirrors(OLD, "a"), "dropin-replaces-cri", f"{MAIN}:3"),
        ("2.1.9", "", "version = 3\n", "mixed-versions", f"{MAIN}:1"),
    ],
)
def test_what_is_found_in_a_drop_in(runs: str, main: str, dropin: str, code: str, where: str) -> None:
    second = dropin if dropin.startswith("version") else V2 + dropin
    assert (code, where) in found(runs, V2 + IMPORTS + main, second)


def test_a_file_that_is_not_imported() -> None:
    assert found("2.2.7", V2, V2 + mirrors(OLD)) == [("file-not-loaded", f"{DROPIN}:1")]


def test_a_required_cri_makes_a_conflict_fatal() -> None:
    main = V2 + 'required_plugins = ["io.containerd.grpc.v1.cri"]\n' + config_path(OLD) + mirrors(OLD, "a")
    assert [code for code, _ in found("1.7.24", main)] == ["conflict", "daemon-dead", "required-plugins"]


def everything() -> Iterator[Finding]:
    for case in CASES:
        for runs in VERSIONS:
            yield from diagnose(case.files, version(runs))


def test_every_finding_is_whole() -> None:
    for finding in everything():
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", finding.code)
        assert re.fullmatch(r"/[^:]+:[1-9][0-9]*", finding.where)
        assert finding.message
        assert finding.fix
        assert "\n" not in finding.message + finding.fix


def test_errors_come_first() -> None:
    severities = [finding.severity for finding in diagnose(file_set(V2 + auth(OLD) + mirrors(OLD)), version("2.2.0"))]
    assert severities == [Severity.ERROR, Severity.WARNING, Severity.NOTE]


@pytest.mark.parametrize("runs", VERSIONS)
def test_no_finding_tells_a_secret(runs: str) -> None:
    main = (
        V2
        + f'[{OLD}.registry.mirrors."*"]\nendpoint = ["https://u:hunter2@a"]\n'
        + f'[{OLD}.registry.mirrors."http://u:hunter2@b"]\nendpoint = ["c"]\n'
        + f'[{OLD}.registry.configs."https://u:hunter2@a".auth]\npassword = "hunter2"\n'
        + f'[{OLD}.registry.configs."https://u:hunter2@a".tls]\nca_file = "/c"\n'
    )
    for text in (main, main + f'[{OLD}.registry]\nconfig_path = "/c"\n'):
        assert diagnose(file_set(text), version(runs))
        assert "hunter2" not in str(diagnose(file_set(text), version(runs)))


@given(st.binary(), st.sampled_from(VERSIONS))
def test_any_bytes_are_diagnosed(content: bytes, runs: str) -> None:
    diagnose(FileSet.of_bytes(MAIN, {MAIN: content}), version(runs))
