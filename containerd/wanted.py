"""Which files of a node have to be read to know what its containerd runs."""

from __future__ import annotations

from collections.abc import Iterator

from containerd.daemon.imports import matches
from containerd.daemon.toml_dialects import readings
from containerd.files import Dead, FileSet, absolute


def wanted(files: FileSet) -> tuple[str, ...]:
    """Return the paths, and patterns of Go's filepath.Glob, that the files read so far import and that are not there.

    Whoever reads asks again with what was found, until nothing new is wanted.
    """
    named = dict.fromkeys(path for file, text in files.texts.items() for path in _imports(file, text))
    return tuple(path for path in named if path.startswith("/") and not files.has(path))


def imported(files: FileSet) -> frozenset[str]:
    """Return the paths of those ``files`` that the main file imports on any version, also one through another."""
    reached: set[str] = set()
    pending = [files.main]
    while pending:
        path = pending.pop()
        text = files.text(path)
        if path in reached or text is None:
            continue
        reached.add(path)
        pending += [name for pattern in _imports(path, text) for name in (pattern, *_matching(pattern, files))]
    return frozenset(reached)


def _matching(pattern: str, files: FileSet) -> list[str]:
    try:
        return matches(pattern, files.texts)
    except Dead:
        return []


def _imports(file: str, text: str) -> Iterator[str]:
    """What any containerd imports: 2.x finds `Imports` too, and 1.x reads more than TOML."""
    values = (value for data in readings(text) for key, value in data.items() if key.lower() == "imports")
    for name in (name for value in values if isinstance(value, list) for name in value):
        if isinstance(name, str) and name:
            yield absolute(name, file)
