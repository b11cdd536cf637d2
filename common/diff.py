"""The difference of two texts, for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from common.masking import mask_text

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def unified_diff(path: str, before: str | None, after: str | None, mask: Callable[[str], str] = mask_text) -> str:
    """Return the difference of a file as a unified diff; None stands for a file that is not there.

    ``mask`` hides the credentials of both. Bytes that are not UTF-8 are shown as question marks.
    """
    name = path.lstrip("/")
    old, new = ([] if text is None else _LINE.findall(mask(text)) for text in (before, after))
    source = "/dev/null" if before is None else f"a/{name}"
    target = "/dev/null" if after is None else f"b/{name}"
    lines = difflib.unified_diff(old, new, source, target)
    shown = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return shown.encode(errors="replace").decode()
