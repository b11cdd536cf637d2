from __future__ import annotations

import re

import pytest

from containerd.config import effective_registry, registry_mismatch
from containerd.config.effective import EffectiveRegistry
from containerd.model import Decision, Policy, Strategy
from tests.unit.containerd.samples import NEW, OLD, ROOT, TABLE, version

PLANNED = (("docker.io", ("http://10.0.20.10:5000",)), ("ghcr.io", ("http://10.0.20.10:5010",)))


@pytest.mark.parametrize(
    ("runs", "dump", "effective"),
    [
        ("1.7.24", f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n[{OLD}.registry.mirrors]\n", (ROOT, ())),
        ("2.1.9", f"version = 3\n[{NEW}.registry]\nconfig_path = '{ROOT}'\n", (ROOT, ())),
        ("2.3.4", f"version = 4\n[{NEW}.registry]\nconfig_path = ''\n", ("", ())),
        (
            "1.6.20",
            f"version = 2\n[{OLD}.registry.mirrors.b]\nendpoint = ['u', 'v']\n[{OLD}.registry.mirrors.a]\n",
            ("", (("a", ()), ("b", ("u", "v")))),
        ),
        ("2.1.9", "", ("", ())),
    ],
)
def test_a_dump_is_read(runs: str, dump: str, effective: tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]) -> None:
    assert effective_registry(dump, version(runs)) == EffectiveRegistry(*effective)


@pytest.mark.parametrize(
    ("strategy", "effective", "says"),
    [
        ("config_path", EffectiveRegistry(ROOT, ()), None),
        ("config_path", EffectiveRegistry(ROOT + "/", ()), None),
        ("config_path", EffectiveRegistry("", ()), 'config_path is "" in effect'),
        ("config_path", EffectiveRegistry("/other", ()), 'config_path is "/other" in effect'),
        ("config_path", EffectiveRegistry(ROOT, (("*", ("http://o",)),)), r"mirrors are still in effect \(\*\)"),
        ("mirrors", EffectiveRegistry("", PLANNED), None),
        ("mirrors", EffectiveRegistry("", (*PLANNED, ("quay.io", ("http://q",)))), None),
        ("mirrors", EffectiveRegistry(ROOT, PLANNED), "in effect beside mirrors"),
        (
            "mirrors",
            EffectiveRegistry("", (*PLANNED, ("*", ("http://u:p@o",)))),
            r"wildcard mirror \(http://\*\*\*\*@o\)",
        ),
        ("mirrors", EffectiveRegistry("", PLANNED[:1]), r'mirrors."ghcr.io" is not in effect'),
        (
            "mirrors",
            EffectiveRegistry("", (PLANNED[0], ("ghcr.io", ("http://x",)))),
            'mirrors."ghcr.io" is http://x in effect',
        ),
        ("skip", EffectiveRegistry("", (("*", ("http://o",)),)), None),
    ],
)
def test_what_runs_against_what_was_planned(strategy: str, effective: EffectiveRegistry, says: str | None) -> None:
    chosen = Strategy(strategy)
    root = ROOT if chosen is Strategy.CONFIG_PATH else None
    found = registry_mismatch(effective, Decision(chosen, {}, root, (), ""), Policy(chosen, TABLE))
    assert found == says if says is None else re.search(says, found or "")
