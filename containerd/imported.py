"""What an operator should know about imported files that are changed: whose they are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from containerd.findings import Finding, Severity
from containerd.sources import Sources

_NVIDIA = "nvidia"


def notes_on_imports(sources: Sources, texts: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each changed file that lies elsewhere than the main one, or that a tool writes anew."""
    home = posixpath.dirname(sources.main.path) + "/"
    for path in texts:
        if _NVIDIA in posixpath.basename(path):
            message = f"{path} is changed; nvidia-container-toolkit writes it, with a copy of the whole CRI section"
            fix = "after an update of the toolkit see with `audit` that it still says the same"
            yield Finding("drop-in-rewritten", Severity.WARNING, path, message, fix)
        elif not path.startswith(home):
            message = f"{path} is changed; it is imported from outside {home}, and something else may write it"
            yield Finding(
                "drop-in-outside", Severity.WARNING, path, message, "see who writes it, and change it there too"
            )
