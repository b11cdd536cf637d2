"""How a node's pulls go, and where to look when one did not go through the cache."""

from __future__ import annotations

from dataclasses import replace

import pytest

from containerd.model import NodeFacts, NotToml, Registry
from containerd.probe import Way, way_of, where_to_look
from templates import render_hosts_toml
from tests.unit.containerd.samples import CONFIG, OLD, ROOT
from tests.unit.containerd.test_plan import facts

GHCR = Registry("ghcr.io", "https://ghcr.io", ("http://10.0.20.10:5010",))
LAN = Registry("registry.lan:5000", "http://registry.lan:5000", ("http://10.0.20.10:5050",))
ON_PATH = f'version = 2\n[{OLD}.registry]\n  config_path = "{ROOT}"\n'
ON_MIRRORS = f'version = 2\n[{OLD}.registry.mirrors."ghcr.io"]\n  endpoint = ["http://10.0.20.10:5010"]\n'
WILDCARD = f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://10.0.20.10:5000"]\n'
HOSTS = f"{ROOT}/ghcr.io/hosts.toml"
GOOD = 'server = "https://ghcr.io"\n[host."http://10.0.20.10:5010"]\n'


def way(texts: dict[str, str], node: NodeFacts | None = None) -> Way:
    return way_of(node or facts(texts), [GHCR, LAN], render_hosts_toml)


def test_crictl_where_there_is_one() -> None:
    node = facts({CONFIG: "not toml ["})
    node = replace(node, daemon=replace(node.daemon, crictl="/usr/bin/crictl"))
    assert way({}, node) == Way(crictl="/usr/bin/crictl")


def test_the_nodes_own_directory() -> None:
    unproven = f"CRI path unproven (no crictl): ctr pulled, by the files below {ROOT}"
    assert way({CONFIG: ON_PATH}) == Way(hosts_dir=ROOT, unproven=unproven)


def test_a_crictl_that_does_not_work() -> None:
    node = facts({CONFIG: ON_PATH})
    node = replace(node, daemon=replace(node.daemon, crictl_complaint="/usr/bin/crictl: FATA[0000] too old"))
    said = f"CRI path unproven (/usr/bin/crictl: FATA[0000] too old): ctr pulled, by the files below {ROOT}"
    assert way({}, node) == Way(hosts_dir=ROOT, unproven=said)


def test_files_that_containerd_was_not_restarted_on() -> None:
    node = replace(facts({CONFIG: ON_PATH}), restart_pending=True)
    assert way({}, node).unproven.endswith("; containerd was not restarted since its files changed")


def test_mirrors_as_hosts_toml_files() -> None:
    found = way({CONFIG: ON_MIRRORS})
    assert found.hosts_dir == ""
    assert found.unproven == f"CRI path unproven (no crictl): ctr pulled, by a copy of the mirrors in {CONFIG}"
    assert list(found.hosts) == ["ghcr.io", "registry.lan_5000_"]
    assert '[host."http://10.0.20.10:5010"]' in found.hosts["ghcr.io"]
    assert "10.0.20.10" not in found.hosts["registry.lan_5000_"]


def test_a_wildcard_is_for_those_without_a_mirror_of_their_own() -> None:
    assert "10.0.20.10:5000" in way({CONFIG: WILDCARD}).hosts["ghcr.io"]
    empty = WILDCARD + f'[{OLD}.registry.mirrors."ghcr.io"]\n'
    assert "10.0.20.10" not in way({CONFIG: empty}).hosts["ghcr.io"]


def test_files_that_containerd_does_not_start_on() -> None:
    with pytest.raises(NotToml, match=CONFIG):
        way({CONFIG: "version = [\n"})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({CONFIG: ON_PATH}, f"{HOSTS} is not there"),
        ({CONFIG: ON_PATH, HOSTS: GOOD.replace("5010", "5020")}, f"{HOSTS} does not name http://10.0.20.10:5010"),
        ({CONFIG: ON_PATH, HOSTS: GOOD}, f"look at {HOSTS}"),
        ({CONFIG: ON_PATH, HOSTS: "[["}, f"containerd 1.7.24 ignores all of {HOSTS}: "),
        (
            {CONFIG: ON_PATH, HOSTS: f'{GOOD}capabilities = ["pull"]\n'},
            f"look at the capabilities of http://10.0.20.10:5010 in {HOSTS}: ",
        ),
        ({CONFIG: ON_MIRRORS}, f'look at mirrors."ghcr.io" in {CONFIG}'),
        ({CONFIG: WILDCARD}, f'http://10.0.20.10:5010 is not named by mirrors."*" in {CONFIG}'),
        ({CONFIG: "version = [\n"}, f"{CONFIG} is not TOML: invalid value near line 2"),
        ({CONFIG: "version = 2\n"}, f'{CONFIG} has neither config_path nor mirrors."ghcr.io" in effect'),
    ],
)
def test_where_to_look(texts: dict[str, str], expected: str) -> None:
    found = where_to_look(facts(texts), GHCR)
    assert found.startswith(expected) if expected.endswith(": ") else found == expected
