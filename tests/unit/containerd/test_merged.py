from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.loader import Leaf, Merged, Table, merge, plain, registry_places
from containerd.model import MAIN
from tests.unit.containerd.prediction_cases import IMPORTS, V2, V3, auth, config_path, file_set, mirrors, tls
from tests.unit.containerd.samples import NEW, OLD, version

FIRST, SECOND = "/etc/containerd/conf.d/0.toml", "/etc/containerd/conf.d/1.toml"
OLD_ID, NEW_ID = "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images"


def merged(runs: str, main: str, *dropins: str) -> Merged:
    return merge(file_set(main, *dropins), version(runs))


@pytest.mark.parametrize("runs", ["1.5.18", "1.6.20", "1.7.24", "2.0.11", "2.1.9", "2.2.7"])
@pytest.mark.parametrize(
    ("main", "dropin", "key", "value"),
    [
        ("oom_score = 5\n", "oom_score = 0\n", "oom_score", 5),
        ("oom_score = 5\n", "oom_score = 7\n", "oom_score", 7),
        ('root = "/a"\n', 'root = ""\n', "root", "/a"),
        ('[grpc]\naddress = "/a"\nuid = 1\n', '[grpc]\naddress = ""\nuid = 2\n', "grpc", {"address": "/a", "uid": 2}),
        ('[timeouts]\na = "1s"\nb = "1s"\n', '[timeouts]\na = "2s"\n', "timeouts", {"a": "2s", "b": "1s"}),
        (
            '[proxy_plugins.a]\ntype = "snapshot"\naddress = "/a"\n',
            '[proxy_plugins.a]\ntype = "snapshot"\n',
            "proxy_plugins",
            {"a": {"type": "snapshot"}},
        ),
    ],
)
def test_the_servers_own_keys(runs: str, main: str, dropin: str, key: str, value: object) -> None:
    assert merged(runs, V2 + IMPORTS + main, V2 + dropin).value(key) == value


MAIN_CRI = (
    V2 + IMPORTS + f'[{OLD}]\nsandbox_image = "a"\n' + config_path(OLD) + f"{mirrors(OLD, 'a')}{mirrors(OLD, 'b')}"
)
DROPIN_CRI = V2 + f'[{OLD}]\nsandbox_image = ""\n[{OLD}.registry.mirrors.a]\nendpoint = []\n'
BOTH = {
    "config_path": "/etc/containerd/certs.d",
    "mirrors": {"a": {"endpoint": []}, "b": {"endpoint": ["http://10.0.0.1:5000"]}},
}


@pytest.mark.parametrize(
    ("runs", "plugin", "table"),
    [
        ("1.7.24", OLD_ID, {"sandbox_image": "", "registry": {"mirrors": {"a": {"endpoint": []}}}}),
        ("2.0.11", NEW_ID, {"pinned_images": {"sandbox": ""}, "registry": BOTH}),
        ("2.2.7", NEW_ID, {"pinned_images": {"sandbox": ""}, "registry": BOTH}),
        ("2.3.4", NEW_ID, {"pinned_images": {"sandbox": ""}, "registry": BOTH}),
    ],
)
def test_1_replaces_a_plugins_table_and_2_merges_it(runs: str, plugin: str, table: object) -> None:
    assert merged(runs, MAIN_CRI, DROPIN_CRI).value("plugins", plugin) == table


@pytest.mark.parametrize(
    ("runs", "main", "dropins", "expected"),
    [
        ("1.6.20", "", (), 1),
        ("1.6.20", IMPORTS, (V2,), 2),
        ("1.6.20", V2 + IMPORTS, (V3,), 3),
        ("2.1.9", "", (), 3),
        ("2.1.9", V2, (), 2),
        ("2.1.9", IMPORTS, (V2,), 2),
        ("2.1.9", V2 + IMPORTS, (V3,), 3),
        ("2.1.9", V3 + IMPORTS, (V2,), 2),
        ("2.1.9", V2 + IMPORTS, ("",), 2),
        ("2.3.4", V2, (), 4),
        ("2.3.4", "", (), 4),
    ],
)
def test_the_version_of_the_whole(runs: str, main: str, dropins: tuple[str, ...], expected: int) -> None:
    assert merged(runs, main, *dropins).version == expected


def test_what_2_moves_out_of_the_old_table() -> None:
    text = V2 + (
        f"[{OLD}]\nsandbox_image = 'p'\nenable_selinux = true\nstream_server_port = '1'\nmax_concurrent_downloads = 4\n"
        f"[{OLD}.cni]\nbin_dir = '/b'\nconf_dir = '/c'\n"
        f"[{OLD}.containerd]\nsnapshotter = 'native'\ndefault_runtime_name = 'runc'\n"
        f"[{OLD}.containerd.runtimes.runc]\nsandbox_mode = 'shim'\n"
    )
    plugins = plain(merged("2.1.9", text).plugins)
    assert plugins[OLD_ID] == {"stream_server_port": "1"}
    assert plugins[NEW_ID] == {
        "pinned_images": {"sandbox": "p"},
        "max_concurrent_downloads": 4,
        "snapshotter": "native",
    }
    assert plugins["io.containerd.cri.v1.runtime"] == {
        "enable_selinux": True,
        "cni": {"conf_dir": "/c", "bin_dirs": ["/b"]},
        "containerd": {"default_runtime_name": "runc", "runtimes": {"runc": {"sandboxer": "shim"}}},
    }
    assert merged("2.0.11", text).value("plugins", "io.containerd.cri.v1.runtime", "cni", "bin_dir") == "/b"


@pytest.mark.parametrize(
    ("runs", "main", "dropins", "places"),
    [
        (
            "2.1.9",
            V2 + IMPORTS + config_path(OLD) + mirrors(OLD, "a") + auth(OLD),
            (V2 + mirrors(OLD, "a") + tls(OLD),),
            {
                "config_path": (MAIN, 4),
                "mirrors.a": (FIRST, 3),
                'configs."10.0.0.1:5000".auth': (MAIN, 8),
                'configs."10.0.0.1:5000".tls': (FIRST, 5),
            },
        ),
        (
            "1.7.24",
            V2 + IMPORTS + config_path(OLD),
            (V2 + mirrors(OLD, "a"), V2 + mirrors(OLD, "b")),
            {"mirrors.b": (SECOND, 3)},
        ),
        ("1.7.24", mirrors("plugins.cri") + config_path(OLD), (), {'mirrors."*"': (MAIN, 2)}),
        ("2.1.9", V3 + config_path(NEW) + mirrors(OLD), (), {"config_path": (MAIN, 3)}),
        ("2.3.4", V3 + config_path(NEW) + mirrors(OLD), (), {'mirrors."*"': (MAIN, 5)}),
        ("1.7.24", V2 + f"{OLD} = {{registry = {{config_path = '/c'}}}}\n", (), {"config_path": (MAIN, 2)}),
        ("1.7.24", V2, (), {}),
    ],
)
def test_where_the_registry_settings_come_from(
    runs: str, main: str, dropins: tuple[str, ...], places: dict[str, tuple[str, int]]
) -> None:
    files = file_set(main, *dropins)
    found = registry_places(merge(files, version(runs)), files, version(runs))
    assert {key: (place.file, place.line) for key, place in found.items()} == places
    assert all(str(place) == f"{place.file}:{place.line}" for place in found.values())


TREES = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PLUGIN = "io.containerd.x.v1.y"
TABLES = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def _file(table: dict[str, Any], head: str = V2) -> str:
    return f'{head}plugins."{PLUGIN}" = {_spelled(table)}\n'


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_spelled(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def _over(there: Any, here: Any) -> Any:
    if isinstance(there, dict) and isinstance(here, dict):
        return {**there, **{key: _over(there.get(key), value) for key, value in here.items()}}
    return here


def _leaves(table: Table) -> list[Leaf]:
    leaves = []
    for node in table.values():
        leaves += _leaves(node) if isinstance(node, Table) else [node]
    return leaves


@given(TABLES, TABLES)
def test_1_has_the_last_table_and_2_both(main: dict[str, Any], dropin: dict[str, Any]) -> None:
    files = _file(main, V2 + IMPORTS), _file(dropin)
    assert merged("1.7.24", *files).value("plugins", PLUGIN) == dropin
    assert merged("2.1.9", *files).value("plugins", PLUGIN) == _over(main, dropin)


@given(TABLES, TABLES)
def test_every_leaf_knows_the_file_that_has_it(main: dict[str, Any], dropin: dict[str, Any]) -> None:
    table = merged("2.1.9", _file(main, V2 + IMPORTS), _file(dropin)).node("plugins", PLUGIN)
    assert isinstance(table, Table)
    texts = {MAIN: main, FIRST: dropin}
    for leaf in _leaves(table):
        value: Any = texts[leaf.file]
        for key in leaf.path[2:]:
            value = value[key]
        assert value == leaf.value


@given(TABLES, st.sampled_from(["1.5.18", "1.7.24", "2.0.11", "2.2.0", "2.3.4"]))
def test_a_drop_in_without_tables_changes_none(main: dict[str, Any], runs: str) -> None:
    assert merged(runs, _file(main, V2 + IMPORTS), V2).value("plugins") == merged(runs, _file(main)).value("plugins")
