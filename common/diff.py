"""The difference of a file, as everybody may see it."""

from __future__ import annotations

from difflib import unified_diff as difflib_unified_diff

from common.masking import lines_of, mask


def unified_diff(path: str, before: str | None, after: str | None) -> str:
    """Return the masked difference of a file as a unified diff; None stands for a file that does not exist.

    Bytes that are not UTF-8 are shown as question marks.
    """
    name = path.lstrip("/")
    old, new = (lines_of(mask(text)) if text is not None else [] for text in (before, after))
    source = "/dev/null" if before is None else f"a/{name}"
    target = "/dev/null" if after is None else f"b/{name}"
    lines = difflib_unified_diff(old, new, source, target)
    shown = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return shown.encode(errors="replace").decode()
