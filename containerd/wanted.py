"""Which files of a node have to be read to know what its containerd runs."""

from __future__ import annotations

from collections.abc import Iterator

from containerd.errors import ContainerdError
from containerd.files import FileSet, absolute
from containerd.statements import parse


def wanted(files: FileSet) -> tuple[str, ...]:
    """Return the paths, and patterns of Go's filepath.Glob, that the files read so far import and that are not there.

    Whoever reads asks again with what was found, until nothing new is wanted.
    """
    named = dict.fromkeys(path for file, text in files.texts.items() for path in _imports(file, text))
    return tuple(path for path in named if path.startswith("/") and not files.has(path))


def _imports(file: str, text: str) -> Iterator[str]:
    try:
        imports = parse(text).get("imports", ())
    except ContainerdError:
        return
    if isinstance(imports, list):
        yield from (absolute(name, file) for name in imports if isinstance(name, str) and name)
