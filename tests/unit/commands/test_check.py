"""`inventory check` finds what a run would find only later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import main

HOSTS = {
    "registry-vm": {"hostname": "10.0.20.10", "groups": ["caches"]},
    "worker-1": {"hostname": "10.0.20.21", "groups": ["containerd-2"]},
}
GROUPS: dict[str, Any] = {"caches": {}, "containerd-2": {"data": {"strategy": "config_path"}}}
REGISTRIES = {"ghcr.io": {"upstream": "https://ghcr.io", "port": 5010, "container": "registry-ghcr"}}


def check(
    directory: Path, monkeypatch: pytest.MonkeyPatch, extras: dict[str, str], data: dict[str, Any], *words: str
) -> int:
    """Write an inventory, check it, and return the exit code."""
    options = {"netmiko": {"extras": extras}}
    defaults = {"username": "root", "connection_options": options, "data": {"registries": REGISTRIES} | data}
    for name, content in (("hosts", HOSTS), ("groups", GROUPS), ("defaults", defaults)):
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr("sys.argv", ["main.py", "inventory", "check", "--inventory", str(directory), *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_missing_key_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, monkeypatch, {"key_file": "/nowhere/key"}, {}) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: registry-vm: connection_options.netmiko.extras.key_file: "
        "key_file /nowhere/key does not exist; correct key_file in the inventory\n"
    )


def test_the_lab_makes_its_own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(tmp_path, monkeypatch, {"key_file": "/nowhere/key"}, {"lab": True}) == 0


@pytest.mark.parametrize(("revert_after", "code"), [(104, 2), (105, 0)])
def test_a_revert_timer_that_is_too_short(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    revert_after: int,
    code: int,
) -> None:
    data = {"transaction": {"revert_after": revert_after}}
    assert check(tmp_path, monkeypatch, {}, data, "--json") == code
    if code:
        error = json.loads(capsys.readouterr().out)["error"]
        assert (error["file"], error["key"]) == (f"{tmp_path}/defaults.yaml", "data.transaction.revert_after")
        assert error["message"].endswith("may take 105 s; raise it to at least that")
