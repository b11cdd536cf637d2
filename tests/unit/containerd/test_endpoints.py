"""Which servers the files of a node name, and for which registry."""

from __future__ import annotations

import pytest

from containerd.hosts import WILDCARD, endpoints_of
from containerd.hosts.endpoints import Endpoints, registry_of_directory
from tests.unit.containerd.samples import CONFIG, NEW, OLD, ROOT, fileset, version

PLACE = "198.18.20.10"


def named(others: dict[str, str], config: str = "version = 2\n", *, runs: str = "1.7.24") -> list[tuple[str, str, int]]:
    found = endpoints_of(fileset(config, others), version(runs)).named
    return [(it.registry, it.host, it.port) for it in found]


@pytest.mark.parametrize(
    ("directory", "registry"),
    [
        ("ghcr.io", "ghcr.io"),
        ("registry.lan_5000_", "registry.lan:5000"),
        ("registry.lan:5000", "registry.lan:5000"),
        ("[::1]_5000_", "[::1]:5000"),
        ("_default", WILDCARD),
        ("a_b", "a_b"),
    ],
)
def test_the_registry_of_a_directory(directory: str, registry: str) -> None:
    assert registry_of_directory(directory) == registry
    text = f'[host."http://{PLACE}:5010"]\n'
    assert named({f"{ROOT}/{directory}/hosts.toml": text}) == [(registry, PLACE, 5010)]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f'[host."http://{PLACE}:5010"]\nserver = "https://x"\n', [(PLACE, 5010)]),
        (f'server = "https://ghcr.io"\n[host."http://{PLACE}:5010"]\n', [(PLACE, 5010), ("ghcr.io", 443)]),
        (f'server = "http://{PLACE}:5010"\n[host]\n', [(PLACE, 5010)]),
        ('[host."http://a:1"]\n[host."http://b:2"]\n', [("a", 1), ("b", 2)]),
        # Without a port, without a scheme, with a path, in capitals, and IPv6.
        ('[host."http://CACHE"]\n[host."cache:5010"]\n', [("cache", 80), ("cache", 5010)]),
        ('[host."http://cache:5010/v2/ghcr"]\noverride_path = true\n', [("cache", 5010)]),
        ('server = "http://[fd00::10]:5010"\n[host]\n', [("fd00::10", 5010)]),
        ('[host."http://cache:5010"]\ncapabilities = ["push"]\n', []),
        # Asked for content alone, and not for tags.
        ('[host."http://cache:5010"]\ncapabilities = ["pull"]\n', [("cache", 5010)]),
        ('[host."http://cache:5010"]\ncapabilities = ["resolve"]\n', [("cache", 5010)]),
        ('[host."http://cache:5010"]\ncapabilities = []\n', [("cache", 5010)]),
        # What containerd cannot read asks nobody.
        ("[host", []),
        ("host = 1\nserver = 2\n", []),
        ('[host."http://cache:5010"]\ncapabilities = ["pul"]\n', []),
        ('[host."http://cache:5010"]\n[host."http://"]\n', [("cache", 5010)]),
    ],
)
def test_forms_of_hosts_toml(text: str, places: list[tuple[str, int]]) -> None:
    for runs in ("1.7.24", "2.1.9"):
        assert named({f"{ROOT}/ghcr.io/hosts.toml": text}, runs=runs) == [("ghcr.io", *place) for place in places]


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        ('[host."http://[fd00::10]:5010"]\n[host."http://a:1"]\n', [], [("fd00::10", 5010), ("a", 1)]),
        ('host = {"http://cache:5010" = {}}\n', [("cache", 5010)], []),
        ('[host."http://cache:5010"]\ndial_timeout = 5\n', [("cache", 5010)], []),
        ('[Host."http://cache:5010"]\n', [], []),
    ],
)
def test_a_file_names_what_its_version_reads(text: str, one: list[tuple[str, int]], two: list[tuple[str, int]]) -> None:
    for runs, places in (("1.7.24", one), ("2.1.9", two)):
        assert named({f"{ROOT}/ghcr.io/hosts.toml": text}, runs=runs) == [("ghcr.io", *place) for place in places]


@pytest.mark.parametrize("table", [OLD, NEW, "plugins.cri"])
def test_mirrors_of_every_table_in_every_file(table: str) -> None:
    text = f'[{table}.registry.mirrors."*"]\nendpoint = ["http://{PLACE}:5000", "{PLACE}:5001"]\n'
    assert named({}, text) == [("*", PLACE, 5000), ("*", PLACE, 5001)]
    assert named({"/etc/containerd/conf.d/a.toml": text}) == [("*", PLACE, 5000), ("*", PLACE, 5001)]


def test_mirrors_are_named_in_the_case_that_the_daemon_finds() -> None:
    text = f'[Plugins{NEW.removeprefix("plugins")}.REGISTRY.Mirrors.A]\nEndpoint = ["http://{PLACE}:5000"]\n'
    assert named({}, f"version = 3\n{text}", runs="2.2.7") == [("A", PLACE, 5000)]
    assert named({}, f"version = 2\n{text}", runs="1.7.24") == []


def test_mirrors_of_a_file_that_is_toml_for_the_daemon_alone() -> None:
    text = f'version = 2\nnote = "a\\/b"\n[{OLD}.registry.mirrors.a]\nendpoint = ["http://{PLACE}:5000"]\n'
    assert named({}, text, runs="1.7.24") == [("a", PLACE, 5000)]


def test_mirrors_of_another_type_are_nobodys() -> None:
    for value in ("1", "[1]", '"http://a:1"'):
        assert named({}, f"[{OLD}.registry.mirrors.x]\nendpoint = {value}\n") == []


def test_where_it_is_and_without_its_secrets() -> None:
    path = f"{ROOT}/ghcr.io/hosts.toml"
    text = '# http://u:secret@cache:5010\n[host."http://u:secret@cache:5010"]\n'
    [endpoint] = endpoints_of(fileset("version = 2\n", {path: text}), version("2.1.9")).named
    assert (endpoint.place, endpoint.path, "secret" in endpoint.url) == (f"{path}:2", path, False)


def test_a_configuration_that_cannot_be_read_is_named() -> None:
    assert endpoints_of(fileset("["), version("1.7.24")) == Endpoints(unreadable=(CONFIG,))
