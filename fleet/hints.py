"""Commands that a message names, so that they work as typed: this program as it was started, with this inventory."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "CONTAINERD_FLEET_INVENTORY"
SHIPPED_INVENTORY = Path(__file__).parent.parent / "inventory"
PROGRAM = "python main.py"
OPTION = "--inventory"
# Messages name commands so, whoever writes them; what else there is of options follows behind the command.
_HINT = re.compile(rf"(?<![\w/]){re.escape(PROGRAM)}( (?:caches |inventory )?[a-z][a-z-]*)")
_WITHOUT_INVENTORY = (" lab",)


@dataclass(frozen=True)
class Hints:
    """How a command has to be typed here: ``program`` and, where another than the default is in use, ``inventory``."""

    program: str = PROGRAM
    inventory: str | None = None

    @classmethod
    def of(cls, argv: Sequence[str], interpreter: str, environment: Mapping[str, str]) -> Hints:
        """Return those of a process that was started with ``argv``, by ``interpreter`` as it was typed."""
        program = shlex.join((interpreter, argv[0])) if Path(argv[0]).name == "main.py" else PROGRAM
        typed, set_ = _option(argv[1:]), environment.get(ENVIRONMENT) or None
        # Where the variable is set, leaving the option out would mean that one.
        shipped = typed is not None and set_ is None and Path(typed).resolve() == SHIPPED_INVENTORY.resolve()
        return cls(program, None if shipped else typed or set_)

    @classmethod
    def here(cls) -> Hints:
        """Return those of this process."""
        return cls.of(sys.argv, next(iter(sys.orig_argv), "python"), os.environ)

    def in_text(self, text: str) -> str:
        """Return ``text`` with every command in it as it has to be typed."""
        return _HINT.sub(lambda hint: self._typed(hint[1]), text)

    def in_json(self, document: str) -> str:
        """Return the JSON ``document`` with every command in its strings as it has to be typed; all printable."""
        typed = _HINT.sub(lambda hint: json.dumps(self._typed(hint[1]))[1:-1], document)
        return typed.replace("\x7f", "\\u007f")  # the one unprintable character that JSON leaves as it is

    def _typed(self, command: str) -> str:
        if self.inventory is None or command in _WITHOUT_INVENTORY:
            return f"{self.program}{command}"
        return f"{self.program}{command} {OPTION} {shlex.quote(self.inventory)}"


def _option(words: Sequence[str]) -> str | None:
    """Return the value of the option; given twice, both mean the same directory."""
    value = None
    for number, word in enumerate(words):
        if word == OPTION and number + 1 < len(words):
            value = words[number + 1]
        elif word.startswith(f"{OPTION}="):
            value = word.removeprefix(f"{OPTION}=")
    return value
