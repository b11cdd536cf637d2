"""What holds for every file: configurations are composed of realistic pieces, in many spellings."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.model import ContainerdError, Strategy
from containerd.toml import parse
from tests.unit.containerd.samples import CONFIG, NEW, OLD, PRESENT, ROOT, TABLE, decided

NAMES = ["docker.io", "ghcr.io", "quay.io", "10.0.0.5:5000", "*"]


def _headers(table: str, name: str, indent: str) -> str:
    return f'{indent}[{table}.registry.mirrors."{name}"] # gone\n{indent}  endpoint = ["http://e-{len(name)}"]\n'


def _multiline(table: str, name: str, indent: str) -> str:
    return (
        f"{indent}[{table}.registry.mirrors.'{name}']\n\t{indent}endpoint = [ # gone\n"
        f"{indent}  # kept {name}\n{indent}  'http://e-{len(name)}', # gone\n  ]\n"
    )


UNRELATED = [
    "# a note\n",
    "\n",
    "\n\n",
    '[grpc]\n  address = "/run/c.sock"  # there\n',
    "[timeouts]\n\t\"a.b\" = '5s'\n",
    '[proxy_plugins."fuse"]\n  type = "snapshot"\n  address = """\n# no comment\n"""\n',
    "[[list]]\nx = {a = 1, 'b' = [1,\n2]}\n",
]
SPELLINGS = [_headers, _multiline]


@st.composite
def _mirrors(draw: st.DrawFn, table: str) -> list[str]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    indent = draw(st.sampled_from(["", "  ", "\t"]))
    shape = draw(st.sampled_from(["headers", "dotted", "parent", "inline"]))
    if shape == "inline":
        inner = ", ".join(f'"{name}" = {{ endpoint = ["http://e"] }}' for name in names)
        return [f"{indent}[{table}.registry]\n{indent}  mirrors = {{ {inner} }}\n"]
    if shape == "dotted":
        inner = "".join(f'{indent}  registry.mirrors."{name}".endpoint = ["http://e"]\n' for name in names)
        return [f"{indent}[{table}]\n{indent}  # inside\n{inner}"]
    spelled = [draw(st.sampled_from(SPELLINGS))(table, name, indent) for name in names]
    own = draw(st.sampled_from(["", "  config_path = ''  # unset\n", "  # empty\n"]))
    parent = (
        [f"{indent}[{table}.registry]\n{own}", f"{indent}[{table}.registry.mirrors]\n"] if shape == "parent" else []
    )
    return [*parent, *spelled]


@st.composite
def configs(draw: st.DrawFn) -> tuple[str, str]:
    """A version of containerd, and a configuration that it reads."""
    runs = draw(st.sampled_from(["1.6.20", "1.7.24", "2.1.9", "2.3.4"]))
    newer = runs.startswith("2")
    number = draw(st.sampled_from([2, 3] if newer else [2]))
    pieces = draw(_mirrors(NEW if number == 3 else OLD))
    if newer and draw(st.booleans()):
        pieces += draw(_mirrors(OLD if number == 3 else NEW))
    if draw(st.booleans()):
        table = NEW if number == 3 else OLD
        pieces.append(f'[{table}.registry.configs."h".auth]\n  password = "p"\n')
    notes = draw(st.lists(st.sampled_from(UNRELATED[:3]), max_size=4))
    extras = draw(st.lists(st.sampled_from(UNRELATED[3:]), unique=True))
    text = f"# top\nversion = {number}\n\n" + "".join(draw(st.permutations([*pieces, *notes, *extras])))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return runs, text.rstrip("\r\n") if draw(st.booleans()) else text


def after(runs: str, text: str, strategy: Strategy) -> str | None:
    """The changed file; None when it is refused."""
    try:
        return decided(text, runs, strategy).files.get(CONFIG, text)
    except ContainerdError:
        return None


def strategies() -> st.SearchStrategy[Strategy]:
    return st.sampled_from([Strategy.CONFIG_PATH, Strategy.MIRRORS])


def registries(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [plugin["registry"] for plugin in data.get("plugins", {}).values() if "registry" in plugin]


def without_registry(data: Mapping[str, Any]) -> dict[str, Any]:
    rest = deepcopy(dict(data))
    plugins = rest.pop("plugins", {})
    for plugin in plugins.values():
        plugin.pop("registry", None)
    return {**rest, "plugins": {name: plugin for name, plugin in plugins.items() if plugin}}


def kept_lines(text: str) -> list[str]:
    """Every line that no rule may touch: own-line comments, and all that is not about a registry."""
    foreign = [line for piece in UNRELATED[3:] for line in piece.splitlines()]
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return [line for line in lines if line in foreign or line.lstrip().startswith("#")]


@settings(max_examples=400, deadline=None)
@given(configs(), strategies())
def test_the_change_is_whole_and_touches_nothing_else(config: tuple[str, str], strategy: Strategy) -> None:
    runs, text = config
    changed = after(runs, text, strategy)
    assert changed is not None
    data, found = parse(text), parse(changed)
    assert without_registry(found) == without_registry(data)
    assert kept_lines(changed) == kept_lines(text)
    assert all(
        not ("config_path" in table and table.get("mirrors")) or not table["config_path"] for table in registries(found)
    )
    assert after(runs, changed, strategy) == changed


@settings(max_examples=200, deadline=None)
@given(configs())
def test_config_path_is_set_and_no_mirror_is_left(config: tuple[str, str]) -> None:
    runs, text = config
    changed = after(runs, text, Strategy.CONFIG_PATH)
    assert changed is not None
    tables = registries(parse(changed))
    assert [table["config_path"] for table in tables if "config_path" in table] == [ROOT]
    assert not any("mirrors" in table for table in tables)


@settings(max_examples=200, deadline=None)
@given(configs())
def test_the_tables_mirrors_are_set_and_the_wildcard_is_gone(config: tuple[str, str]) -> None:
    runs, text = config
    changed = after(runs, text, Strategy.MIRRORS)
    assert changed is not None
    mirrors = [table["mirrors"] for table in registries(parse(changed)) if "mirrors" in table]
    assert len(mirrors) == 1
    assert "*" not in mirrors[0]
    assert all(mirrors[0][registry.name]["endpoint"] == list(registry.endpoints) for registry in TABLE)


@settings(max_examples=200, deadline=None)
@given(configs(), strategies())
def test_line_endings_stay(config: tuple[str, str], strategy: Strategy) -> None:
    runs, text = config
    changed = after(runs, text, strategy) or ""
    if "\r\n" in text:
        assert changed.count("\n") == changed.count("\r\n")
    else:
        assert "\r" not in changed


TOKENS = [
    "version = 2\n",
    "version = 3\n",
    f"[{OLD}.registry]\n",
    f"[{OLD}]\n",
    "registry",
    "mirrors",
    "config_path",
    ".",
    " = ",
]
TOKENS += [
    "[",
    "]",
    "{",
    "}",
    '"*"',
    "endpoint",
    "'x'",
    '["http://x"]',
    "\n",
    "# c\n",
    ",",
    "1",
    "\r\n",
    f"{NEW}",
    "plugins = 1\n",
]


@settings(max_examples=300, deadline=None)
@given(
    st.text() | st.lists(st.sampled_from(TOKENS)).map("".join),
    st.sampled_from(["1.5.2", "1.6.20", "1.7.24", "2.1.9", "2.2.0", "2.3.4"]),
    st.sampled_from(Strategy),
)
def test_any_text_is_decided_or_refused(text: str, runs: str, strategy: Strategy) -> None:
    changed = after(runs, text, strategy)
    if changed is not None:
        assert strategy is Strategy.SKIP or parse(changed)
        assert after(runs, changed, strategy) == changed


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["plugins", '"io.containerd.grpc.v1.cri"', '"io.containerd.cri.v1.images"', "registry", "mirrors", '"*"']
        ),
        min_size=1,
    ),
    st.sampled_from(["1", "'x'", "[]", "{}", "{a = 1}", "[{}]"]),
    st.sampled_from([2, 3]),
    st.sampled_from(["1.7.24", "2.1.9", "2.3.4"]),
    strategies(),
)
def test_no_type_is_a_surprise(keys: list[str], value: str, number: int, runs: str, strategy: Strategy) -> None:
    after(runs, f"version = {number}\n{'.'.join(keys)} = {value}\n", strategy)


@pytest.mark.parametrize("strategy", [Strategy.CONFIG_PATH, Strategy.MIRRORS])
def test_the_generator_reaches_files_that_change(strategy: Strategy) -> None:
    text = "version = 2\n" + _headers(OLD, "*", "") + _multiline(OLD, "quay.io", "  ")
    assert decided(text, strategy=strategy, others=PRESENT).changed
