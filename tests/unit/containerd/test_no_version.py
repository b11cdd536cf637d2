"""Files without a `version`: edited in place where they are live, refused with what to do where they are not."""

from __future__ import annotations

import pytest

from containerd.loader import predict
from containerd.model import Refused, Strategy
from tests.unit.containerd.samples import CONFIG, NEW, OLD, ROOT, decided, edited, fileset, version

SET = f'config_path = "{ROOT}"'
LIVE = ["1.5.18", "1.6.20", "1.7.24", "2.3.4"]

CASES = {
    "wildcard": (
        '[plugins.cri.registry.mirrors."*"]\n  endpoint = ["http://old:5000"]\n',
        f"[plugins.cri.registry]\n  {SET}\n",
    ),
    "beside other short names": (
        '[plugins.opt]\n  path = "/opt"\n[plugins.cri]\n  sandbox_image = "p"\n[plugins.cri.registry.mirrors]\n',
        f'[plugins.opt]\n  path = "/opt"\n[plugins.cri]\n  sandbox_image = "p"\n[plugins.cri.registry]\n  {SET}\n',
    ),
    "version = 1 stays": (
        "version = 1\n[plugins.cri]\n  sandbox_image = 'p'\n",
        f"version = 1\n[plugins.cri]\n  sandbox_image = 'p'\n\n[plugins.cri.registry]\n  {SET}\n",
    ),
    "credentials stay, TLS goes": (
        '[plugins.cri.registry.configs."r.example".auth]\n  username = "u"\n'
        '[plugins.cri.registry.configs."r.example".tls]\n  insecure_skip_verify = true\n',
        f'[plugins.cri.registry.configs."r.example".auth]\n  username = "u"\n[plugins.cri.registry]\n  {SET}\n',
    ),
}


@pytest.mark.parametrize("runs", LIVE)
@pytest.mark.parametrize("name", CASES)
def test_short_names_are_edited_in_place(name: str, runs: str) -> None:
    before, after = CASES[name]
    assert edited(before, runs) == after
    assert edited(after, runs) == after
    assert predict(fileset(after), version(runs)).cri == "ok"


@pytest.mark.parametrize("runs", LIVE)
def test_the_mirror_is_carried(runs: str) -> None:
    decision = decided('[plugins.cri.registry.mirrors."quay.io"]\n  endpoint = ["http://q"]\n', runs)
    assert list(decision.files) == [f"{ROOT}/quay.io/hosts.toml", CONFIG]


@pytest.mark.parametrize("runs", LIVE)
def test_the_strategy_mirrors(runs: str) -> None:
    after = edited('[plugins.cri.registry.mirrors."*"]\n  endpoint = ["http://o"]\n', runs, Strategy.MIRRORS)
    assert after.count("[plugins.cri.registry.mirrors.") == 2
    assert '"*"' not in after


@pytest.mark.parametrize("table", [OLD, NEW])
def test_2_3_reads_long_names_too(table: str) -> None:
    before = f'[{table}.registry.mirrors."*"]\n  endpoint = ["http://old"]\n'
    assert edited(before, "2.3.4") == f"[{table}.registry]\n  {SET}\n"


@pytest.mark.parametrize("runs", ["2.0.11", "2.1.9", "2.2.7", "2.3.4"])
@pytest.mark.parametrize("lead", ["oom_score = 0\n", "[plugins.opt]\n  path = '/opt'\n"])
def test_2x_reads_the_new_id_without_a_version(lead: str, runs: str) -> None:
    wildcard = f"[{NEW}.registry.mirrors.'*']\n  endpoint = ['http://old']\n"
    assert edited(lead + wildcard, runs) == f"{lead}[{NEW}.registry]\n  {SET}\n"
    assert edited(lead, runs) == f"{lead}\n[{NEW}.registry]\n  {SET}\n"


SHORT = "[plugins.cri.registry]\n"
LONG = f"[{OLD}.registry]\n  config_path = '/x'\n"

# id: (versions, config.toml, words of the refusal)
REFUSED = {
    "1.x ignores long names": ("1.6.20 1.7.24", LONG, ["no `version`", "ignores", "runs on defaults", "version 2"]),
    "1.x ignores long names beside short ones": ("1.7.24", SHORT + LONG, ["ignores", "beside plugins.cri"]),
    "2.0 to 2.2 ignore all of it": ("2.0.11 2.1.9 2.2.7", SHORT, ["ignores every CRI setting", "by hand to version 2"]),
    "version = 1 is the same": ("2.1.9", "version = 1\n" + SHORT, ["is version 1", "ignores every CRI setting"]),
    "2.3 makes one of both": ("2.3.4", SHORT + LONG, ["one section of plugins.cri and io.containerd.grpc.v1.cri"]),
    "CRI is disabled": ("1.7.24 2.1.9", 'disabled_plugins = ["cri"]\n', ["CRI is disabled", "disabled_plugins"]),
}


@pytest.mark.parametrize(
    ("name", "runs"), [(name, runs) for name, (versions, _, _) in REFUSED.items() for runs in versions.split()]
)
@pytest.mark.parametrize("strategy", [Strategy.CONFIG_PATH, Strategy.MIRRORS])
def test_refused_with_what_to_do(name: str, runs: str, strategy: Strategy) -> None:
    _, config, words = REFUSED[name]
    with pytest.raises(Refused) as raised:
        decided(config, runs, strategy)
    assert [word for word in words if word not in str(raised.value)] == []
