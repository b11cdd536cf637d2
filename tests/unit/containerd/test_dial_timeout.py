"""How long a node waits for a connection to a cache: containerd 2.0.7, 2.1 and later releases read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from containerd.hosts import HostEntry
from tests.unit.containerd.samples import GHCR, NEW, OLD, ROOT, decided, hosts_toml

FILE = f"{ROOT}/ghcr.io/hosts.toml"
OLDER = hosts_toml("https://ghcr.io", "http://10.0.20.10:5010")
WAITS = hosts_toml("https://ghcr.io", HostEntry("http://10.0.20.10:5010", dial_timeout="5s"))
TABLE = (replace(GHCR, dial_timeout="5s"),)
DONE = {1: f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n", 2: f"[{NEW}.registry]\nconfig_path = '{ROOT}'\n"}


@pytest.mark.parametrize(
    ("runs", "text"),
    [("1.6.20", OLDER), ("1.7.24", OLDER), ("2.0.6", OLDER), ("2.0.7", WAITS), ("2.1.0", WAITS), ("2.2.5", WAITS)],
)
def test_only_a_release_that_reads_it_gets_it(runs: str, text: str) -> None:
    config = DONE[1] if runs.startswith("1.") else f"version = 3\n{DONE[2]}"
    assert decided(config, runs, others={}, registries=TABLE).files[FILE] == text


def test_it_is_one_line_of_the_cache() -> None:
    assert '[host."http://10.0.20.10:5010"]\n' in WAITS
    assert WAITS.replace('  dial_timeout = "5s"\n', "") == OLDER


@pytest.mark.parametrize("text", [OLDER, WAITS.replace('"5s"', '"1m"')])
def test_a_file_of_ours_that_waits_otherwise_is_ours_and_is_replaced(text: str) -> None:
    decision = decided(f"version = 3\n{DONE[2]}", "2.1.9", others={FILE: text}, registries=TABLE)
    assert dict(decision.files) == {FILE: WAITS}
    assert decision.notes == (f"{FILE} is there already and is replaced",)


def test_nothing_is_left_to_do_with_it() -> None:
    assert not decided(f"version = 3\n{DONE[2]}", "2.1.9", others={FILE: WAITS}, registries=TABLE).changed
