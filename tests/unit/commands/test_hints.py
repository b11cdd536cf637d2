"""Every command that a message or a page names is a command line that works: it gets as far as the first connection."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab.state
import main
from fleet.hints import ENVIRONMENT

PROJECT = Path(__file__).parents[3]
SOURCES = ("caches", "commands", "containerd", "fleet", "runbooks", "tasks", "lab")
PAGES = ("README.md", "CONTRIBUTING.md", "runbooks/EMERGENCY.md")
# A command ends where its clause does; what a message fills in is the name of a node.
COMMAND = re.compile(r"python3? main\.py([^;,)`\n]*)")
FILLED = "worker-1"


class Connecting(Exception):
    """A command was about to connect."""


def in_sources() -> Iterator[str]:
    for path in (path for name in SOURCES for path in (PROJECT / name).rglob("*")):
        if path.suffix == ".py" and path.name not in ("hints.py", "demo.py"):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            parts_of = {id(part) for it in nodes if isinstance(it, ast.JoinedStr) for part in it.values}
            for node in nodes:
                if isinstance(node, ast.JoinedStr):
                    parts = (it.value if isinstance(it, ast.Constant) else FILLED for it in node.values)
                    yield from COMMAND.findall("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts_of:
                    yield from COMMAND.findall(node.value)
        elif path.suffix in (".sh", ".j2"):
            yield from COMMAND.findall(path.read_text(encoding="utf-8").replace('"', ";"))


def in_pages() -> Iterator[str]:
    for page in PAGES:
        yield from COMMAND.findall((PROJECT / page).read_text(encoding="utf-8"))


def words(commands: Iterator[str]) -> list[tuple[str, ...]]:
    """Return the commands without what follows a ``#``; a name alone is no command."""
    return sorted({tuple(shlex.split(command, comments=True)) for command in commands} - {()})


def test_commands_are_found_where_they_are() -> None:
    found = words(in_sources())
    assert ("rollback", "--host", "worker-1") in found
    assert ("caches", "deploy", "--install-docker") in found
    assert len(found) >= 9
    assert ("rollback", "--all", "--yes") in words(in_pages())


@pytest.mark.parametrize("command", sorted({*words(in_sources()), *words(in_pages())}), ids=" ".join)
def test_a_command_works_as_typed(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    def connecting(*_: object) -> bool:
        raise Connecting

    # A page's own directory of an inventory stands for the shipped one.
    typed = [str(PROJECT / "inventory") if "our-nodes" in word else word for word in command]
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(lab.state, "is_up", connecting)
    for name in ("up", "down", "reset", "select", "nodes"):
        monkeypatch.setattr(f"lab.control.{name}", connecting)
    monkeypatch.setattr("lab.state.require_able", connecting)
    if typed[:2] == ["inventory", "check"]:
        assert main.app(typed, standalone_mode=False) in (0, None)
        return
    with pytest.raises(Connecting):
        main.app(typed, standalone_mode=False)
