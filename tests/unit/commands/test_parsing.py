"""Mistakes in the words of a command: one line that names the option."""

from __future__ import annotations

import pytest

import main


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("canary --host worker-1 --host worker-2", "--host"),
        ("rollout --all --limit worker-1 --limit=worker-2", "--limit"),
        ("caches verify --inventory a --inventory b", "--inventory"),
        ("rollback --all --run x --yes --run y", "--run"),
    ],
)
def test_a_value_does_not_silently_replace_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, option: str
) -> None:
    monkeypatch.setattr("sys.argv", ["main.py", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {option}: given more than once; it takes one value\n"


def test_of_a_number_the_last_one_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = "rollout --all --inventory /nowhere --settle 1 --settle 2"
    monkeypatch.setattr("sys.argv", ["main.py", *words.split()])
    with pytest.raises(SystemExit):
        main.main()
    assert "/nowhere" in capsys.readouterr().err
