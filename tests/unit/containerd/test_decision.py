"""What else a decision says: hosts.toml files, notes, reasons."""

from __future__ import annotations

import pytest

from containerd.decide import decide
from containerd.hosts import HostsToml
from containerd.model import FileSet, Policy, Strategy
from templates import render_hosts_toml
from tests.unit.containerd.samples import (
    CONFIG,
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

WILDCARD = f'[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://u:hunter2@old:5000"]\n'
DONE = f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"


def test_every_registry_gets_its_hosts_toml_before_config_toml() -> None:
    decision = decided(f"version = 2\n{WILDCARD}", others={})
    assert dict(decision.files) == {
        f"{ROOT}/docker.io/hosts.toml": DOCKER_HOSTS,
        f"{ROOT}/ghcr.io/hosts.toml": GHCR_HOSTS,
        CONFIG: f'version = 2\n[{OLD}.registry]\n  config_path = "{ROOT}"\n',
    }
    assert list(decision.files)[-1] == CONFIG
    assert decision.config_path == ROOT
    assert decision.changed
    assert decision.reason == f"config_path {ROOT}: config.toml and 2 hosts.toml"
    assert decision.notes == (
        'mirrors."*" (http://****@old:5000) is removed: registries outside the table are pulled from their upstream',
    )


def test_a_config_toml_that_is_not_there_is_made() -> None:
    decision = decide(
        FileSet(CONFIG, PRESENT), version("2.1.9"), Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml
    )
    assert dict(decision.files) == {CONFIG: f'version = 3\n\n[{NEW}.registry]\n  config_path = "{ROOT}"\n'}


def test_only_files_that_change_are_in_it() -> None:
    earlier = hosts_toml("https://ghcr.io", "http://10.0.20.9:5010")
    decision = decided(DONE, others={**PRESENT, f"{ROOT}/ghcr.io/hosts.toml": earlier})
    assert dict(decision.files) == {f"{ROOT}/ghcr.io/hosts.toml": GHCR_HOSTS}
    assert decision.notes == (f"{ROOT}/ghcr.io/hosts.toml is there already and is replaced",)
    assert decision.reason == f"config_path {ROOT}: 1 hosts.toml"


def test_nothing_changes_on_a_node_that_is_as_planned() -> None:
    decision = decided(DONE)
    assert not decision.changed
    assert decision.config_path == ROOT
    assert decision.reason == "already as planned (strategy config_path)"


def test_a_mirror_outside_the_table_is_carried() -> None:
    config = f"version = 2\n{WILDCARD}[{OLD}.registry.mirrors.'10.0.0.5:5000']\n  endpoint = ['http://10.0.0.5:5000']\n"
    decision = decided(config)
    path = f"{ROOT}/10.0.0.5_5000_/hosts.toml"
    assert list(decision.files) == [path, CONFIG]
    assert decision.files[path] == hosts_toml("http://10.0.0.5:5000")
    assert f'carried: mirrors."10.0.0.5:5000" into {path}' in decision.notes


@pytest.mark.parametrize("directory", ["10.0.0.5_5000_", "10.0.0.5:5000"])
def test_a_carried_mirror_that_is_there_already_is_kept(directory: str) -> None:
    config = f"version = 2\n[{OLD}.registry.mirrors.'10.0.0.5:5000']\n  endpoint = ['http://10.0.0.5:5000']\n"
    there = {f"{ROOT}/{directory}/hosts.toml": 'server = "http://10.0.0.5:5000"\n[host]\n'}
    assert list(decided(config, others={**PRESENT, **there}).files) == [CONFIG]


def test_a_mirror_without_endpoints_needs_no_file() -> None:
    decision = decided(f"version = 2\n[{OLD}.registry.mirrors.'quay.io']\n")
    assert list(decision.files) == [CONFIG]
    assert decision.notes == ('mirrors."quay.io" has no endpoint: quay.io is pulled from its upstream, as before',)


@pytest.mark.parametrize("name", ["https://u:p@h", "../x", "a/b", "..", "a b", "", "index.docker.io"])
def test_a_mirror_that_no_image_can_name_goes(name: str) -> None:
    decision = decided(f"version = 2\n[{OLD}.registry.mirrors.'{name}']\n  endpoint = ['${{X}}']\n")
    assert list(decision.files) == [CONFIG]
    assert "no image is named so" in decision.notes[0]
    assert "u:p" not in str((decision.notes, decision.accounting))


def test_a_mirror_of_the_table_is_replaced_by_its_caches() -> None:
    config = f"version = 2\n[{OLD}.registry.mirrors.'ghcr.io']\n  endpoint = ['http://x', 'http://y']\n"
    note = 'mirrors."ghcr.io" (http://x, http://y) is replaced by the table\'s cache (http://10.0.20.10:5010)'
    for strategy in (Strategy.CONFIG_PATH, Strategy.MIRRORS):
        assert decided(config, strategy=strategy).notes == (note,)


@pytest.mark.parametrize(
    ("endpoint", "others", "codes"),
    [
        ("http://old:5000", PRESENT, ["wildcard-host-by-name"]),
        ("https://old:5000", PRESENT, []),
        ("http://old", PRESENT, []),
        ("http://localhost:5000", PRESENT, []),
        ("http://old:5000", {**PRESENT, f"{ROOT}/old_5000_/hosts.toml": "# x\n[host]\n"}, []),
    ],
)
def test_images_named_by_the_host_of_an_http_wildcard(endpoint: str, others: dict[str, str], codes: list[str]) -> None:
    config = f'version = 2\n[{OLD}.registry.mirrors."*"]\n  endpoint = ["{endpoint}"]\n'
    found = decided(config, others=others).findings
    assert [each.code for each in found if each.code != "dormant-hosts-toml"] == codes


def test_leftovers_are_named() -> None:
    config = f"version = 2\n[{OLD}.registry]\n[{NEW}.registry]\nconfig_path = '/x'\n"
    note = f"{NEW}.registry.config_path is removed: containerd 2.x reads {OLD}.registry in this file"
    assert decided(config, "2.1.9").notes == (note,)
    assert decided(config, "1.7.24").notes == ()


def test_what_lives_on_2_3_is_what_is_carried() -> None:
    mirror = "[{}.registry.mirrors.'quay.io']\n  endpoint = ['http://{}']\n"
    config = "version = 3\n" + mirror.format(OLD, "old") + mirror.format(NEW, "new")
    path = f"{ROOT}/quay.io/hosts.toml"
    assert "http://new" in decided(config, "2.1.9").files[path]
    assert "http://old" in decided(config, "2.3.4").files[path]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("version = 2\n", "strategy skip: containerd 1.6.20 keeps its configuration"),
        (
            f"version = 2\n{WILDCARD}",
            "strategy skip: containerd 1.6.20 keeps its configuration, "
            "with the wildcard mirror (http://****@old:5000) still in use",
        ),
        (
            "[",
            "strategy skip: containerd 1.6.20 keeps its configuration, "
            "which is not understood (/etc/containerd/config.toml is not TOML: ",
        ),
    ],
)
def test_a_skipped_node_is_left_alone(config: str, reason: str) -> None:
    decision = decided(config, "1.6.20~ds1", Strategy.SKIP)
    assert not decision.changed
    assert decision.config_path is None
    assert decision.reason.startswith(reason)


def test_nodes_that_are_alike_are_decided_once_and_share_nothing() -> None:
    rendered = []

    def counting(hosts: HostsToml) -> str:
        rendered.append(hosts)
        return render_hosts_toml(hosts)

    policy = Policy(Strategy.CONFIG_PATH, TABLE)
    decisions = [decide(fileset(DONE), version("1.7.24"), policy, counting)]
    once = len(rendered)
    decisions += [decide(fileset(DONE), version("1.7.24"), policy, counting) for _ in range(40)]
    assert len(rendered) == once
    assert isinstance(decisions[0].files, dict)
    decisions[0].files.clear()
    assert all(decision.changed for decision in decisions[1:])
