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


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str) -> str:
    """Return the one line that a mistake in ``words`` gets."""
    monkeypatch.setattr("sys.argv", ["main.py", *words.split(" ")])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("tls-pair-incomplet", "unknown code 'tls-pair-incomplet'; did you mean tls-pair-incomplete? there are cache-"),
        ("all", "unknown code 'all'; there are cache-through-proxy, "),
        ("unfinished-run", "unknown code 'unfinished-run'; "),
    ],
)
@pytest.mark.parametrize("command", ["rollout --all", "canary --host worker-1"])
def test_an_unknown_loss_is_accepted_by_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, code: str, message: str
) -> None:
    assert run(monkeypatch, capsys, f"{command} --accept-loss {code}").startswith(f"error: --accept-loss: {message}")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("rollback --all --run=", "--run"),
        ("rollback --all --run ", "--run"),
        ("convert config.toml --containerd 1.7.24 --output=", "--output"),
        ("inventory check --inventory=", "--inventory"),
        ("canary --host=", "--host"),
        ("status --limit=", "--limit"),
        ("history --group workers --group=", "--group"),
        ("rollout --all --accept-loss=", "--accept-loss"),
        ("rollout --all --allow-restart-of=", "--allow-restart-of"),
        ("verify --all --pull=", "--pull"),
    ],
)
def test_an_empty_value_does_not_count_as_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, option: str
) -> None:
    message = run(monkeypatch, capsys, words)
    assert message == f"error: {option}: its value is empty; leave the option out, or give it one\n"


@pytest.mark.parametrize("unit", ["kubelet", "a b.service", "../x.service", "kubelet.service,other.service"])
def test_what_is_no_unit_is_not_allowed_to_restart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unit: str
) -> None:
    monkeypatch.setattr("sys.argv", ["main.py", "rollout", "--all", "--allow-restart-of", unit])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert f"error: --allow-restart-of: {unit!r} is not the name of a unit" in capsys.readouterr().err
