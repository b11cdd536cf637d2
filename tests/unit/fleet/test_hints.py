"""A command that a message names works as typed: the program as it was started, with the inventory in use."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.hints import ENVIRONMENT, SHIPPED_INVENTORY, Hints

SHIPPED = str(SHIPPED_INVENTORY)
HINT = "roll it back with: python main.py rollback --host worker-2"


@pytest.mark.parametrize(
    ("interpreter", "argv", "environment", "typed"),
    [
        ("python", "main.py rollout", "", "python main.py rollback --host worker-2"),
        ("python3", "main.py rollout", "", "python3 main.py rollback --host worker-2"),
        (".venv/bin/python", "../main.py rollout", "", ".venv/bin/python ../main.py rollback --host worker-2"),
        # Not started as a program of its own, as in tests.
        ("python", "/usr/bin/pytest -k x", "", "python main.py rollback --host worker-2"),
        ("python", "main.py rollout --inventory ours", "", "python main.py rollback --inventory ours --host worker-2"),
        ("python", "main.py --inventory=ours rollout", "", "python main.py rollback --inventory ours --host worker-2"),
        ("python", f"main.py status --inventory {SHIPPED}", "", "python main.py rollback --host worker-2"),
        ("python", "main.py status", "ours", "python main.py rollback --inventory ours --host worker-2"),
        ("python", "main.py --inventory b status", "a", "python main.py rollback --inventory b --host worker-2"),
        # Leaving it out would mean the other one.
        (
            "python",
            f"main.py status --inventory {SHIPPED}",
            "ours",
            f"python main.py rollback --inventory {SHIPPED} --host worker-2",
        ),
        (
            "python",
            "main.py status --inventory 'our nodes'",
            "",
            "python main.py rollback --inventory 'our nodes' --host worker-2",
        ),
    ],
)
def test_a_hint(interpreter: str, argv: str, environment: str, typed: str) -> None:
    hints = Hints.of(shlex.split(argv), interpreter, {ENVIRONMENT: environment})
    assert hints.in_text(HINT) == f"roll it back with: {typed}"


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("see: python main.py status; else python main.py finish", "see: P status -i; else P finish -i"),
        ("python main.py caches deploy --prune", "P caches deploy -i --prune"),
        ("python main.py inventory discover --write", "P inventory discover -i --write"),
        ("python main.py lab up", "P lab up"),
        ("/usr/bin/python main.py status", "/usr/bin/python main.py status"),
        ("the file main.py", "the file main.py"),
    ],
)
def test_the_option_follows_the_command_that_takes_it(text: str, typed: str) -> None:
    hints = Hints("python3 /opt/main.py", "ours")
    assert hints.in_text(text) == typed.replace("-i", "--inventory ours").replace("P ", "python3 /opt/main.py ")


@given(st.text(), st.text())
def test_a_json_document_stays_one_and_is_printable(inventory: str, text: str) -> None:
    hints = Hints("python main.py", inventory)
    document = hints.in_json(json.dumps({"reason": f"{HINT}; {text}"}, indent=2))
    assert document.replace("\n", "").isprintable()
    reason = json.loads(document)["reason"]
    assert reason.startswith("roll it back with: ")
    words = shlex.split(reason.removesuffix(f"; {text}").removeprefix("roll it back with: "))
    assert words == ["python", "main.py", "rollback", "--inventory", inventory, "--host", "worker-2"]
