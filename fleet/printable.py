r"""What may reach a screen: printable characters only. A node, a registry or a file says what it likes.

Text from outside can hold escape sequences (clear the line, set the title, write the clipboard), bidirectional
overrides and characters of no width, which make a terminal show something else than what is in the text. Each of them
is shown as Python writes it: ``\x1b``, ``\u202e``.
"""

from __future__ import annotations

import re

# Printable by their category, but nothing is to be seen: joiners, fillers, variation selectors, the blank of Braille.
_INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]")


def printable(text: str) -> str:
    r"""Return ``text`` as one line of printable characters; everything else is escaped, a newline as ``\n``."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> list[str]:
    """Return the lines of ``text``, each of printable characters and tabs. Only a newline ends a line."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return ["\t".join(map(printable, line.split("\t"))) for line in lines]


def _shown(character: str) -> str:
    if character.isprintable() and not _HIDDEN.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")
