"""Everything that runs on a machine: the program ``fleet-node``, which talks for a node."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "fleet-node"
_PARTS = (
    *("base", "transaction", "place", "scan", "files", "facts", "status"),
    *("prepare", "sandbox", "apply", "restart", "verify", "confirm", "rollback", "undo", "recover", "discard", "main"),
)
"""In the order in which they are joined: what assigns variables first, and the call last."""


@lru_cache(maxsize=1)
def program() -> str:
    """Return the text of ``fleet-node``, a POSIX shell program.

    Whoever runs it leaves the text in the shell variable ``program`` and evaluates that, with a subcommand and its
    options as the positional parameters.
    """
    return "\n".join((_FOLDER / f"{part}.sh").read_text(encoding="utf-8") for part in _PARTS)
