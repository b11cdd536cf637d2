"""Keys in any case: a daemon of 2.x finds its own settings in all of them, and a change goes to what the file has."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.config import load_sources
from containerd.loader import doubles, planted, predict
from containerd.model import ContainerdError, Strategy
from containerd.toml import parse
from tests.unit.containerd.samples import CONFIG, PRESENT, ROOT, TABLE, decided, fileset, version

IDS = {"1.7.24": "io.containerd.grpc.v1.cri", "2.2.7": "io.containerd.cri.v1.images"}
NAMES = ["docker.io", "Docker.io", "ghcr.io", "10.0.0.5:5000", "*"]


@st.composite
def spelled(draw: st.DrawFn, key: str) -> str:
    """A key as it is, in capitals, or in any mixture."""
    mixed = "".join(draw(st.sampled_from([letter, letter.upper()])) for letter in key)
    return draw(st.sampled_from([key, key.upper(), key.capitalize(), mixed]))


@st.composite
def tables(draw: st.DrawFn, plugin: str) -> str:
    plugins, registry, mirrors, endpoint, path = (
        draw(spelled(key)) for key in ("plugins", "registry", "mirrors", "endpoint", "config_path")
    )
    table, name = f'{plugins}."{plugin}"', draw(st.sampled_from(NAMES))
    shapes = (
        f'[{table}.{registry}.{mirrors}."{name}"]\n{endpoint} = ["http://10.0.0.1:5000"]\n',
        f'[{table}.{registry}]\n{mirrors} = {{"{name}" = {{{endpoint} = ["http://10.0.0.1:5000"]}}}}\n',
        f'[{table}]\n{registry}.{mirrors}."{name}".{endpoint} = ["http://10.0.0.1:5000"]\n',
        f'[{table}.{registry}]\n{path} = "{ROOT}"\n',
        f'[{table}.{registry}.configs."h".auth]\nusername = "u"\n',
    )
    return draw(st.sampled_from(shapes))


@st.composite
def configs(draw: st.DrawFn) -> tuple[str, str]:
    runs = draw(st.sampled_from(list(IDS)))
    pieces = draw(st.lists(tables(IDS[runs]), min_size=1, max_size=3))
    text = f"version = {3 if runs.startswith('2') else 2}\n" + "".join(pieces)
    return runs, text


@settings(max_examples=300, deadline=None)
@given(configs(), st.sampled_from([Strategy.CONFIG_PATH, Strategy.MIRRORS]))
def test_a_change_leaves_one_spelling_and_a_daemon_that_runs_as_planned(
    config: tuple[str, str], strategy: Strategy
) -> None:
    runs, text = config
    before = predict(fileset(text), version(runs)).cri
    try:
        changed = decided(text, runs, strategy).files.get(CONFIG, text)
    except ContainerdError:
        return
    after = fileset(changed, PRESENT)
    sources = load_sources(after, version(runs))
    assert before != "dead"
    assert predict(after, version(runs)).cri == "ok"
    assert doubles(planted(parse(changed), CONFIG), version(runs)) == []
    if strategy is Strategy.CONFIG_PATH:
        assert (sources.config_path, dict(sources.mirrors)) == (ROOT, {})
    else:
        assert "*" not in sources.mirrors
        assert all(sources.mirrors[registry.name] == registry.endpoints for registry in TABLE)


UPPER, LOWER = (f'{plugins}."{IDS["2.2.7"]}".registry' for plugins in ("Plugins", "plugins"))
MIRROR = f'[{UPPER}.mirrors."*"]\nendpoint = ["http://10.0.0.1:5000"]\n'


@pytest.mark.parametrize(
    ("tables", "state"),
    [
        (f'[{UPPER}]\nconfig_path = ""\n[{LOWER}]\nconfig_path = "{ROOT}"\n{MIRROR}', "error"),
        (f'{MIRROR}[{LOWER}]\nconfig_path = "{ROOT}"\n[{UPPER}]\nconfig_path = ""\n', "ok"),
        (f'{MIRROR}[{LOWER}]\nconfig_path = "{ROOT}"\nmirrors = {{}}\n', "ok"),
        (f'[{LOWER}]\nconfig_path = "{ROOT}"\nmirrors = {{}}\n{MIRROR}', "error"),
        (f"[{LOWER}]\nmirrors = 1\n{MIRROR}", "dead"),
        ("[Grpc]\naddress = 1\n[grpc]\naddress = '/run/c.sock'\n", "dead"),
        ("[Proxy_Plugins.p]\ntype = 1\n[proxy_plugins.p]\ntype = 'snapshot'\n", "dead"),
    ],
)
def test_of_two_spellings_of_a_section_the_later_one_counts_line_by_line(tables: str, state: str) -> None:
    text = f"version = 3\n[{LOWER}.headers]\n{tables}"
    assert predict(fileset(text), version("2.2.7")).cri == state
    for strategy in Strategy.CONFIG_PATH, Strategy.MIRRORS:
        with pytest.raises(ContainerdError):
            decided(text, "2.2.7", strategy)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Config_Path = 1\n", 'config_path = "/c"\n'),
        ('config_path = "/c"\n', "Config_Path = 1\n"),
        ("mirrors = true\n", 'Mirrors.a.endpoint = ["http://a"]\n'),
        ('mirrors.a.endpoint = "http://a"\n', 'Mirrors.a.endpoint = ["http://a"]\n'),
        ('mirrors.a.endpoint = ["http://a"]\n', 'mirrors.a.Endpoint = "http://a"\n'),
    ],
)
def test_a_wrong_type_is_fatal_in_the_spelling_that_does_not_count_too(first: str, second: str) -> None:
    text = f'version = 3\n[plugins."{IDS["2.2.7"]}".registry]\n{first}{second}'
    assert predict(fileset(text), version("2.2.7")).cri == "dead"
    assert predict(fileset(text), version("2.4.0")).cri == "dead"
