"""Where `configs.<host>.tls` goes: config.toml before, the hosts.toml files and the accounting after."""

from __future__ import annotations

import pytest

from containerd.hosts import HostEntry, HostsToml
from containerd.hosts.existing import read_back
from containerd.hosts.hosts_toml import Tls
from containerd.model import Decision, Registry, Strategy
from templates import render_hosts_toml
from tests.unit.containerd.samples import CONFIG, DOCKER, DOCKER_HOSTS, GHCR, OLD, PRESENT, ROOT, decided

SKIP = "insecure_skip_verify = true"
PAIR = 'cert_file = "/c"\nkey_file = "/k"'
INSECURE = Tls(skip_verify=True)
CACHE = HostEntry("http://10.0.20.10:5000")


def mirror(name: str, *endpoints: str) -> str:
    return f'[{OLD}.registry.mirrors."{name}"]\n  endpoint = {list(endpoints)}\n'


def tls(host: str, settings: str = SKIP) -> str:
    return f'[{OLD}.registry.configs."{host}".tls]\n{settings}\n'


def written(decision: Decision) -> dict[str, HostsToml]:
    """The hosts.toml files by the name of their directory."""
    return {
        path.removeprefix(f"{ROOT}/").removesuffix("/hosts.toml"): _read(text)
        for path, text in decision.files.items()
        if path.endswith("/hosts.toml")
    }


def _read(text: str) -> HostsToml:
    file = read_back(text, render_hosts_toml)
    assert file is not None
    return file


# id: (config.toml behind its version, the hosts.toml files that are written)
MOVED = {
    "on the endpoint, and on the registry of that name": (
        mirror("quay.io", "https://h:5000") + tls("h:5000"),
        {
            "quay.io": HostsToml("https://quay.io", (HostEntry("https://h:5000", tls=INSECURE),)),
            "h_5000_": HostsToml("https://h:5000", (), INSECURE),
        },
    ),
    "on every endpoint of that host, at whatever path": (
        mirror("quay.io", "https://h/v2/a", "https://h/v2/b", "https://x") + tls("h"),
        {
            "quay.io": HostsToml(
                "https://quay.io",
                (
                    HostEntry("https://h/v2/a", True, INSECURE),
                    HostEntry("https://h/v2/b", True, INSECURE),
                    HostEntry("https://x"),
                ),
            )
        },
    ),
    "on the server of a registry that is its own mirror": (
        mirror("r.example", "https://r.example") + tls("r.example"),
        {"r.example": HostsToml("https://r.example", (), INSECURE)},
    ),
    "on the server that is asked after the mirrors": (
        mirror("quay.io", "https://h.example") + tls("quay.io"),
        {"quay.io": HostsToml("https://quay.io", (HostEntry("https://h.example"),), INSECURE)},
    ),
    "on a registry without mirrors": (
        tls("r.example:8443", f'{SKIP}\nca_file = "/ca"\n{PAIR}'),
        {"r.example_8443_": HostsToml("https://r.example:8443", (), Tls(True, ("/ca",), (("/c", "/k"),)))},
    ),
    "on docker.io, whose server has another name": (
        tls("registry-1.docker.io"),
        {"docker.io": HostsToml("https://registry-1.docker.io", (CACHE,), INSECURE)},
    ),
    "on a registry of the table": (
        tls("ghcr.io", 'ca_file = "/ca"'),
        {"ghcr.io": HostsToml("https://ghcr.io", (HostEntry("http://10.0.20.10:5010"),), Tls(ca=("/ca",)))},
    ),
    "on the host of the wildcard, where images are named by it": (
        mirror("*", "https://old:5000") + tls("old:5000"),
        {"old_5000_": HostsToml("https://old:5000", (), INSECURE)},
    ),
    "a path as systemd's daemon understands it": (
        tls("r.example", 'ca_file = "certs/ca"'),
        {"r.example": HostsToml("https://r.example", (), Tls(ca=("/certs/ca",)))},
    ),
}


@pytest.mark.parametrize("runs", ["1.5.18", "1.6.20", "1.7.24", "2.1.9", "2.3.4"])
@pytest.mark.parametrize("name", MOVED)
def test_tls_moves(name: str, runs: str) -> None:
    config, files = MOVED[name]
    if runs == "1.5.18" and "at whatever path" in name:
        return
    decision = decided("version = 2\n" + config, runs)
    assert written(decision) == files
    assert "tls" not in decision.files[CONFIG]
    assert decision.losses == ()
    moved = [each for each in decision.accounting if ".tls." in each.key]
    assert moved
    assert all(each.outcome == "moved" and "/hosts.toml" in each.to for each in moved)
    woken = {finding.code for finding in decision.findings}
    assert woken == ({"tls-comes-alive"} if runs.startswith("2") else set())
    again = decided(decision.files[CONFIG], runs, others={**PRESENT, **decision.files})
    assert not again.changed
    assert again.findings == again.losses == ()


# id: (config.toml behind its version, code)
LOST = {
    "a wildcard that no image is named by": (mirror("*", "https://old") + tls("old"), "tls-host-not-contacted"),
    "a mirror that the table replaces": (mirror("docker.io", "https://old") + tls("old"), "tls-host-not-contacted"),
    "docker.io as an endpoint": (mirror("*", "https://docker.io") + tls("docker.io"), "tls-host-not-contacted"),
    "half a pair": (tls("r.example", 'cert_file = "/c"'), "tls-pair-incomplete"),
    "the other half": (tls("r.example", 'key_file = "/k"'), "tls-pair-incomplete"),
}


@pytest.mark.parametrize("name", LOST)
def test_tls_that_has_no_place_is_lost_on_1x_and_was_dead_on_2x(name: str) -> None:
    config, code = LOST[name]
    decision = decided("version = 2\n" + config)
    assert [(loss.code, loss.severity) for loss in decision.losses] == [(code, "error")]
    assert decision.losses[0].where.startswith(CONFIG)
    assert [each.to for each in decision.accounting if each.outcome == "lost"] == [decision.losses[0].fix]
    dead = decided("version = 2\n" + config, "2.1.9")
    assert dead.losses == ()
    assert {each.outcome for each in dead.accounting if ".tls" in each.key} == {"removed"}


@pytest.mark.parametrize(
    "config",
    [
        mirror("10.0.0.5:5000", "http://10.0.0.5:5000") + tls("10.0.0.5:5000"),
        mirror("*", "http://old:5000") + tls("old:5000"),
    ],
)
@pytest.mark.parametrize("runs", ["1.7.24", "2.1.9"])
def test_tls_of_a_server_that_speaks_http_is_removed(config: str, runs: str) -> None:
    decision = decided("version = 2\n" + config, runs)
    assert decision.losses == ()
    assert {each.outcome for each in decision.accounting if ".tls" in each.key} == {"removed"}
    assert "tls" not in "".join(decision.files.values())


@pytest.mark.parametrize(
    "config",
    [
        tls("localhost:5000"),
        tls("docker.io"),
        tls("index.docker.io"),
        tls("https://r.example"),
        tls("r.example/path"),
        tls("nodots"),
        tls("r.example", ""),
        tls("r.example", "insecure_skip_verify = false\nca_file = ''"),
    ],
)
def test_tls_that_never_had_an_effect_is_removed(config: str) -> None:
    decision = decided(f"version = 2\n{config}")
    assert list(decision.files) == [CONFIG]
    assert decision.losses == decision.findings == ()
    assert {each.outcome for each in decision.accounting} == {"removed"}


def test_an_unknown_key_is_no_setting() -> None:
    decision = decided("version = 2\n" + tls("r.example", f"{SKIP}\nother = 1"))
    assert [(each.outcome, each.key.rpartition(".")[2]) for each in decision.accounting] == [
        ("moved", "insecure_skip_verify"),
        ("removed", "other"),
    ]


def test_the_strategy_mirrors_leaves_tls_where_it_is() -> None:
    decision = decided("version = 2\n" + tls("r.example"), strategy=Strategy.MIRRORS)
    assert tls("r.example") in decision.files[CONFIG]
    assert {each.outcome for each in decision.accounting} == {"kept"}


def test_credentials_beside_tls_stay() -> None:
    auth = f'[{OLD}.registry.configs."r.example".auth]\n  password = "hunter2"\n'
    decision = decided(f"version = 2\n{tls('r.example')}{auth}")
    assert auth in decision.files[CONFIG]
    assert [each.outcome for each in decision.accounting] == ["moved", "kept"]
    assert "hunter2" not in str((decision.accounting, decision.notes, decision.findings))


R = 'configs."r.example"'
SET = f'config_path = "{ROOT}"'

# id: (config.toml behind its version, and after the change)
SHAPES = {
    "header": (
        f"[{OLD}.registry]\n  # a\n  [{OLD}.registry.{R}.tls] # b\n    # c\n    {SKIP}\n[{OLD}.x]\n",
        f"[{OLD}.registry]\n  {SET}\n  # a\n    # c\n[{OLD}.x]\n",
    ),
    "headers of every level": (
        f"[{OLD}.registry]\n[{OLD}.registry.configs]\n[{OLD}.registry.{R}]\n[{OLD}.registry.{R}.tls]\n{SKIP}\n",
        f"[{OLD}.registry]\n  {SET}\n[{OLD}.registry.configs]\n",
    ),
    "beside auth": (
        f"[{OLD}.registry.{R}]\n  [{OLD}.registry.{R}.tls]\n  {SKIP}\n  [{OLD}.registry.{R}.auth]\n  auth = 'x'\n",
        f"[{OLD}.registry.{R}]\n  [{OLD}.registry]\n  {SET}\n  [{OLD}.registry.{R}.auth]\n  auth = 'x'\n",
    ),
    "dotted under the plugin's header": (
        f"[{OLD}]\n  registry.{R}.tls.{SKIP}\n  registry.{R}.auth.auth = 'x'\n",
        f"[{OLD}]\n  registry.{SET}\n  registry.{R}.auth.auth = 'x'\n",
    ),
    "dotted under the header of configs": (
        f"[{OLD}.registry.configs]\n  'r.example'.tls.{SKIP}\n  'r.example'.auth.auth = 'x'\n",
        f"[{OLD}.registry.configs]\n  'r.example'.auth.auth = 'x'\n\n[{OLD}.registry]\n  {SET}\n",
    ),
    "inline": (
        f"[{OLD}.registry]\n  configs = {{'r.example' = {{tls = {{{SKIP}}}}}}}\n",
        f"[{OLD}.registry]\n  {SET}\n  configs = {{}}\n",
    ),
    "inline beside auth": (
        f"[{OLD}.registry.{R}]\n  tls = {{{SKIP}}} # why\n  auth = {{auth = 'x'}}\n",
        f"[{OLD}.registry.{R}]\n  auth = {{auth = 'x'}}\n\n[{OLD}.registry]\n  {SET}\n",
    ),
}


@pytest.mark.parametrize("runs", ["1.6.20", "1.7.24", "2.1.9"])
@pytest.mark.parametrize("name", SHAPES)
def test_the_text_that_goes(name: str, runs: str) -> None:
    before, after = SHAPES[name]
    decision = decided(f"version = 2\n{before}", runs)
    assert decision.files[CONFIG] == f"version = 2\n{after}"
    assert f"{ROOT}/r.example/hosts.toml" in decision.files


def test_a_table_that_changes_later_keeps_the_tls_that_was_moved() -> None:
    first = decided("version = 2\n" + tls("registry-1.docker.io"))
    moved = Registry(DOCKER.name, DOCKER.upstream, ("http://10.0.20.11:5000",))
    later = decided(first.files[CONFIG], others={**PRESENT, **first.files}, registries=(moved, GHCR))
    file = HostsToml(DOCKER.upstream, (HostEntry("http://10.0.20.11:5000"),), INSECURE)
    assert written(later) == {"docker.io": file}


def test_tls_of_a_cache_that_is_gone_goes_with_a_word() -> None:
    there = render_hosts_toml(HostsToml(DOCKER.upstream, (HostEntry("https://cache:5000", tls=INSECURE),)))
    done = f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"
    decision = decided(done, others={**PRESENT, f"{ROOT}/docker.io/hosts.toml": there})
    assert written(decision) == {"docker.io": HostsToml(DOCKER.upstream, (CACHE,))}
    assert [finding.code for finding in decision.findings] == ["tls-goes"]


def test_tls_goes_into_files_that_an_earlier_run_carried() -> None:
    """2.x ignores tls, so an earlier run had left it where it was."""
    earlier = render_hosts_toml(HostsToml("https://r.example", (HostEntry("https://h.example"),)))
    done = f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"
    decision = decided(done + tls("h.example"), "2.1.9", others={**PRESENT, f"{ROOT}/r.example/hosts.toml": earlier})
    assert written(decision) == {
        "r.example": HostsToml("https://r.example", (HostEntry("https://h.example", tls=INSECURE),)),
        "h.example": HostsToml("https://h.example", (), INSECURE),
    }


def test_a_foreign_file_does_not_take_tls() -> None:
    path = f"{ROOT}/r.example/hosts.toml"
    decision = decided("version = 2\n" + tls("r.example"), others={**PRESENT, path: "# by hand\n"})
    assert list(decision.files) == [CONFIG]
    assert [loss.code for loss in decision.losses] == ["tls-in-foreign-file"]
    assert path in decision.losses[0].message


def test_the_tables_files_are_the_same_bytes_as_ever() -> None:
    assert decided("version = 2\n", others={}).files[f"{ROOT}/docker.io/hosts.toml"] == DOCKER_HOSTS
