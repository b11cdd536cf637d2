"""What is not changed, with the words that the operator is to find in the message."""

from __future__ import annotations

import pytest

from containerd.errors import NotToml, Refused, VersionError
from containerd.migration import Strategy, hosts_root
from tests.unit.containerd.samples import NEW, OLD, ROOT, decided, version

TWO_ROOTS = f'[{OLD}.registry]\nconfig_path = "{ROOT}:/etc/docker/certs.d"\n'

# id: (strategy, runs, config, words of the message)
CASES = {
    "no version": (
        "config_path",
        "1.7.24",
        f"[{OLD}.registry]\n",
        ["no `version`", "version 1", "by hand to version 2"],
    ),
    "no version, mirrors": ("mirrors", "1.6.20", "[plugins.cri]\n", ["no `version`", "by hand to version 2"]),
    "version 1": ("config_path", "2.1.9", "version = 1\n[plugins.cri]\n", ["is version 1", "by hand to version 2"]),
    "version 0": ("config_path", "1.7.24", "version = 0\n", ["is version 0"]),
    "version of another type": ("config_path", "1.7.24", "version = '2'\n", ["`version` is not a whole number"]),
    "version 3 on 1.7": ("config_path", "1.7.24", "version = 3\n", ["version 3", "1.7.24 does not read", "version 2"]),
    "version 3 on 1.6": ("mirrors", "1.6.20", "version = 3\n", ["version 3", "1.6.20 does not read"]),
    "several roots": ("config_path", "1.7.24", f"version = 2\n{TWO_ROOTS}", ["several roots", "#12808", "one root"]),
    "several roots on 2.x": (
        "config_path",
        "2.1.9",
        f"version = 3\n{TWO_ROOTS.replace(OLD, NEW)}",
        ["several roots", "move the hosts.toml files"],
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
    "tls on 1.7": (
        "config_path",
        "1.7.24",
        f'version = 2\n[{OLD}.registry.configs."h:5000".tls]\n',
        ["configs.*.tls (h:5000)", "CRI plugin of containerd 1.7.24 fail", "hosts.toml", "delete the tls tables"],
    ),
    "inline tls on 1.6": (
        "config_path",
        "1.6.20",
        f"version = 2\n[{OLD}.registry]\nconfigs = {{h = {{tls = {{}}}}}}\n",
        ["configs.*.tls (h)"],
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
    "a mirror that is named by a URL": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry.mirrors.'https://u:p@h']\nendpoint = ['http://x']\n",
        ["'https://****@h'", "no image reference can name"],
    ),
    "a mirror whose name leaves the root": (
        "config_path",
        "1.7.24",
        f"version = 2\n[{OLD}.registry.mirrors.'../x']\nendpoint = ['http://x']\n",
        ["'../x'", "no image reference can name"],
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
    with pytest.raises(NotToml, match="not TOML"):
        decided(config, strategy=strategy)


def test_a_version_that_is_not_supported() -> None:
    with pytest.raises(VersionError, match=r"1\.5\.18 is not supported"):
        decided("version = 2\n", "1.5.18")


@pytest.mark.parametrize(("path", "message"), [(f"{ROOT}:/b", "several roots"), ("b", "not an absolute directory")])
def test_roots_that_are_not_used(path: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        hosts_root(f"version = 2\n[{OLD}.registry]\nconfig_path = '{path}'\n", version("1.7.24"))


def test_a_carried_mirror_does_not_replace_a_file() -> None:
    config = f"version = 2\n[{OLD}.registry.mirrors.'quay.io']\nendpoint = ['http://q']\n"
    path = f"{ROOT}/quay.io/hosts.toml"
    with pytest.raises(Refused, match="says something else: merge the two by hand") as raised:
        decided(config, hosts_files={path: "other"})
    assert path in str(raised.value)


def test_tls_is_no_obstacle_where_it_is_not_read() -> None:
    config = f'version = 2\n[{OLD}.registry.configs."h".tls]\n'
    assert decided(config, "2.1.9").notes == ("configs.*.tls (h) stays, but containerd 2.x ignores it",)
    assert decided(config, "1.7.24", Strategy.MIRRORS).changed


def test_credentials_are_no_obstacle() -> None:
    assert decided(f'version = 2\n[{OLD}.registry.configs."h".auth]\nusername = "u"\n').changed
