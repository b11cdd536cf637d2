"""What is not changed, with the words that the operator is to find in the message."""

from __future__ import annotations

import pytest

from containerd.model import Refused, Strategy, VersionError
from tests.unit.containerd.samples import OLD, ROOT, decided

TWO_ROOTS = f'[{OLD}.registry]\nconfig_path = "{ROOT}:/etc/docker/certs.d"\n'

# id: (strategy, runs, config, words of the message)
CASES = {
    "no version": (
        "config_path",
        "1.7.24",
        f"[{OLD}.registry]\n",
        ["no `version`", "version 1", "by hand to version 2"],
    ),
    "a relative root": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry]\nconfig_path = 'certs.d'\n",
        ["certs.d", "not an absolute directory", ROOT],
    ),
    "a blank root": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry]\nconfig_path = ' '\n",
        ["not an absolute directory"],
    ),
    "a root of another type": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry]\nconfig_path = 1\n",
        ["config_path is not a string"],
    ),
    "mirrors beside config_path": (
        "mirrors",
        "1.7.24",
        f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n",
        ["strategy mirrors", f'config_path = "{ROOT}" is set', "remove config_path first"],
    ),
    "mirrors on 2.2.0": ("mirrors", "2.2.0", "version = 3\n", ["2.2.0 fails with any mirrors", "#12612", "2.2.2"]),
    "mirrors on 2.2.1": (
        "mirrors",
        "v2.2.1",
        "version = 2\n",
        ["2.2.1 fails with any mirrors", "use the strategy config_path"],
    ),
    "leftovers with more than mirrors": (
        "config_path",
        "2.1.9",
        f"version = 3\n[{OLD}.registry.configs.h.auth]\nusername = 'u'\n",
        ["replaces the real one on 2.3", "(configs)", "move that to", "or delete it"],
    ),
    "plugins is no table": ("config_path", "1.7.24", "version = 2\nplugins = 1\n", ["plugins is not a table"]),
    "registry is no table": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}]\nregistry = []\n",
        [f"{OLD}.registry is not a table"],
    ),
    "registry is an array of tables": (
        "config_path",
        "2.1.9",
        f"version = 2\n[[{OLD}.registry]]\n",
        ["registry is not a table"],
    ),
    "mirrors is no table": (
        "mirrors",
        "1.7.24",
        f"version = 2\n[{OLD}.registry]\nmirrors = 'x'\n",
        ["mirrors is not a table"],
    ),
    "endpoint is a string": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry.mirrors.x]\nendpoint = 'http://x'\n",
        ["endpoint is not a list of strings"],
    ),
    "a mirror that is no URL": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry.mirrors.'quay.io']\nendpoint = ['${{X}}']\n",
        ["quay.io", "correct or remove it"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_with_what_to_do(name: str) -> None:
    strategy, runs, config, words = CASES[name]
    with pytest.raises(Refused) as raised:
        decided(config, runs, Strategy(strategy))
    message = str(raised.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize("strategy", [Strategy.CONFIG_PATH, Strategy.MIRRORS])
@pytest.mark.parametrize("config", ["version = 2\nversion = 2\n", "{{ if }}\n", "[plugins\n"])
def test_what_is_not_toml(config: str, strategy: Strategy) -> None:
    with pytest.raises(Refused, match="not TOML"):
        decided(config, strategy=strategy)


@pytest.mark.parametrize("runs", ["1.4.13", "3.0.0"])
def test_a_version_that_is_not_supported(runs: str) -> None:
    with pytest.raises(VersionError, match=rf"{runs} is not supported: 1\.5 to 2\.x are"):
        decided("version = 2\n", runs)


@pytest.mark.parametrize(("path", "message"), [(f"{ROOT}:/b", "several roots"), ("b", "not an absolute directory")])
def test_roots_that_are_not_used(path: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        decided(f"version = 2\n[{OLD}.registry]\nconfig_path = '{path}'\n")


def test_what_lies_in_the_other_roots_is_listed() -> None:
    there = {f"{root}/h/hosts.toml": "" for root in (ROOT, "/etc/docker/certs.d", "/srv")}
    with pytest.raises(Refused, match=r"files \(/etc/docker/certs\.d/h/hosts\.toml\) into one root"):
        decided(f"version = 2\n{TWO_ROOTS}", others=there)


def test_credentials_are_no_obstacle() -> None:
    assert decided(f'version = 2\n[{OLD}.registry.configs."h".auth]\nusername = "u"\n').changed
