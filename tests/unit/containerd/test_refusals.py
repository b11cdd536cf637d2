"""What blocks a rollout: each with its code, and the line where it is."""

from __future__ import annotations

import re

import pytest

from containerd.diagnose import refusals
from containerd.model import MAIN, Refused, Strategy
from tests.unit.containerd.prediction_cases import IMPORTS, V2, V3, config_path, file_set, mirrors
from tests.unit.containerd.samples import NEW, OLD, decided, version
from tests.unit.containerd.test_refused import CASES

DROP_IN = "/etc/containerd/conf.d/0.toml"
REGISTRY = f"[{OLD}.registry]\n"

# id: (version, main file, drop-in, (code, file, line) of each refusal)
PLACES = {
    "nothing": ("1.7.24", V2, "", []),
    "no TOML": ("1.7.24", V2 + "[", "", [("not-toml", MAIN, 1)]),
    "a newer version": ("1.7.24", V3, "", [("version-not-read", MAIN, 1)]),
    "a version that is no number": ("1.7.24", "version = '2'\n", "", [("wrong-type", MAIN, 1)]),
    "an endpoint": (
        "1.7.24",
        f"{V2}{REGISTRY}[{OLD}.registry.mirrors.a]\nendpoint = 'b'\n",
        "",
        [("wrong-type", MAIN, 4)],
    ),
    "a root of another type": ("1.7.24", f"{V2}\n{REGISTRY}config_path = 1\n", "", [("wrong-type", MAIN, 4)]),
    "a relative root": ("1.7.24", f"{V2}{REGISTRY}config_path = 'a'\n", "", [("config-path-not-absolute", MAIN, 3)]),
    "two at once": (
        "1.7.24",
        f"{V2}{REGISTRY}Config_Path = '/x'\nMirrors = {{}}\n",
        "",
        [("spelled-in-another-case", MAIN, 3), ("spelled-in-another-case", MAIN, 4)],
    ),
    "in a drop-in": (
        "1.7.24",
        V2 + IMPORTS,
        f"{V2}{REGISTRY}\nconfig_path = 'a'\nMirrors = {{}}\n",
        [("spelled-in-another-case", DROP_IN, 5), ("config-path-not-absolute", DROP_IN, 4)],
    ),
    "in a drop-in that is no TOML": (
        "1.7.24",
        V2 + IMPORTS,
        "[",
        [("not-toml", DROP_IN, 1), ("daemon-dead", DROP_IN, 1)],
    ),
    "one of version 1": ("2.1.9", "version = 1\n[plugins.cri.registry]\n", "", [("version-1", MAIN, 1)]),
    "leftovers": (
        "2.1.9",
        f"{V3}\n[{OLD}.registry.configs.h.auth]\nusername = 'u'\n",
        "",
        [("stale-old-table", MAIN, 3)],
    ),
    "no CRI": ("1.7.24", V2 + 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n', "", [("cri-disabled", MAIN, 2)]),
    "several roots": ("2.1.9", V3 + config_path(NEW, "/a:/b"), "", [("multi-root-config-path", MAIN, 3)]),
}


@pytest.mark.parametrize("name", PLACES)
def test_each_has_its_place(name: str) -> None:
    runs, main, drop_in, expected = PLACES[name]
    found = refusals(file_set(main, *filter(None, [drop_in])), version(runs), Strategy.CONFIG_PATH)
    assert [(each.code, each.where) for each in found] == [(code, f"{file}:{line}") for code, file, line in expected]
    assert all(each.blocks for each in found)


def test_the_strategy_mirrors_has_its_own() -> None:
    main = V2 + config_path(OLD) + mirrors(OLD, "a")
    found = refusals(file_set(main), version("1.7.24"), Strategy.MIRRORS)
    assert [(each.code, each.where) for each in found] == [("mirrors-beside-config-path", f"{MAIN}:3")]
    assert refusals(file_set(main), version("1.7.24"), Strategy.SKIP) == ()


@pytest.mark.parametrize("name", CASES)
def test_every_refusal_is_a_whole_finding(name: str) -> None:
    strategy, runs, config, _ = CASES[name]
    with pytest.raises(Refused) as raised:
        decided(config, runs, Strategy(strategy))
    for finding in raised.value.as_findings("/etc/containerd/config.toml:1"):
        assert finding.blocks
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", finding.code)
        assert re.fullmatch(r"/[^:]+:[1-9][0-9]*", finding.where)
        assert finding.message
        assert finding.fix
