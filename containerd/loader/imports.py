"""Which files a daemon loads, and in which order."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from containerd.loader.decode import type_mismatch
from containerd.loader.dialects import read_toml, readings
from containerd.loader.names import named_file
from containerd.loader.schema import server_config
from containerd.loader.trees import Leaf, misfit, place_of, planted
from containerd.model import Dead, FileSet, Version, absolute, release_of

_SPECIAL = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]|\\(.)|\*|\?|.", re.DOTALL)
# Go refuses at once what is malformed before the first star.
_BEGINS_WELL = re.compile(r"(?:[^\[\\*]|\\.|\[\^?(?:\\.|[^\]\\])+\])*(?:\*.*)?", re.DOTALL)
_NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Loaded:
    """One file that the daemon loads, parsed; its known keys have the right types."""

    path: str
    data: Mapping[str, Any] = field(repr=False)


def loaded_files(files: FileSet, version: Version) -> tuple[Loaded, ...]:
    """The files in the order in which they are merged: the main file, then what it imports, breadth first.

    Nothing when there is no main file: the daemon runs on its defaults, and the `imports` line that `config default` of
    2.2 and later prints is not among what it reads then (containerd #12323).
    Raises Dead for a file that the daemon does not start on.
    """
    if files.text(files.main) is None:
        return ()
    found: dict[str, Loaded] = {}
    pending = deque([(files.main, files.main)])
    while pending:
        path, importer = pending.popleft()
        if path not in found:
            found[path] = _loaded(path, importer, files, version)
            pending.extend((name, path) for name in _imports(found[path], files, version))
    return tuple(found.values())


def matches(pattern: str, paths: Iterable[str]) -> list[str]:
    """The paths that a pattern of Go's filepath.Glob names, sorted. Raises Dead for a malformed one."""
    if not _BEGINS_WELL.fullmatch(pattern):
        raise Dead("syntax error in pattern")
    parts = [_regex(part) for part in pattern.split("/")]
    return sorted(path for path in paths if _matches(parts, path.split("/")))


def _loaded(path: str, importer: str, files: FileSet, version: Version) -> Loaded:
    text = files.text(path)
    if text is None and files.is_directory(path):
        raise Dead(f"read {path}: is a directory", f"{importer}:1")
    if text is None:
        raise Dead(f"open {path}: no such file or directory", f"{importer}:1")
    data = read_toml(text, path, version)
    type_, go_toml = server_config(version), release_of(version).go_toml
    wrong = type_mismatch(type_, data, go_toml)
    if wrong is not None:
        place = place_of(misfit(planted(data, path), type_, go_toml), files)
        raise Dead(f"failed to unmarshal TOML: {path}: {wrong}", str(place))
    return Loaded(path, data)


def _imports(file: Loaded, files: FileSet, version: Version) -> Iterator[str]:
    imports = named_file(planted(file.data, file.path), version).get("imports")
    for name in imports.value if isinstance(imports, Leaf) else ():
        if "*" in name:
            # Before 1.6.29 and 1.7.14 a relative pattern was relative to the daemon's working directory, which is / in
            # its unit (containerd #9745).
            base = file.path if release_of(version).globs_from_importer else "/"
            yield from matches(absolute(name, base), _paths(files))
        else:
            yield absolute(name, file.path)


def _matches(parts: list[re.Pattern[str]], names: list[str]) -> bool:
    return len(parts) == len(names) and all(
        part.fullmatch(name) is not None for part, name in zip(parts, names, strict=True)
    )


def _paths(files: FileSet) -> set[str]:
    """Every file, and every directory that has one."""
    split = (path.split("/") for path in files.texts)
    return {"/".join(names[:depth]) for names in split for depth in range(2, len(names) + 1)}


def _regex(part: str) -> re.Pattern[str]:
    """One segment of a pattern; `*` and `?` match a leading dot too, as in Go, and a malformed one matches nothing."""
    runs: list[list[str]] = [[]]
    for piece in _SPECIAL.finditer(part):
        if piece[0] == "*":
            runs.append([])
        elif piece[2] is not None:
            runs[-1].append(f"[{piece[1]}{re.escape(piece[2]).replace(re.escape('-'), '-')}]")
        elif piece[0] in {"[", "\\"}:
            return _NOTHING
        else:
            runs[-1].append("[^/]" if piece[0] == "?" else re.escape(piece[3] or piece[0]))
    try:
        return re.compile(_starred(["".join(run) for run in runs]), re.DOTALL)
    except re.error:
        return _NOTHING


def _starred(runs: list[str]) -> str:
    """Join what is between stars. Each star ends, for good, at the first place where what follows it matches.

    A later place can match nothing more, and to try all of them takes minutes for five stars.
    """
    first, *rest = runs
    middle = (f"(?=(?P<s{number}>[^/]*?{run}))(?P=s{number})" for number, run in enumerate(rest[:-1]) if run)
    return "".join([first, *middle, *(f"[^/]*{run}" for run in rest[-1:])])


def wanted(files: FileSet) -> tuple[str, ...]:
    """Return the paths, and patterns of Go's filepath.Glob, that the files read so far import and that are not there.

    Whoever reads asks again with what was found, until nothing new is wanted.
    """
    named = dict.fromkeys(path for file, text in files.texts.items() for path in _named_imports(file, text))
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
        pending += [name for pattern in _named_imports(path, text) for name in (pattern, *_matching(pattern, files))]
    return frozenset(reached)


def _matching(pattern: str, files: FileSet) -> list[str]:
    try:
        return matches(pattern, files.texts)
    except Dead:
        return []


def _named_imports(file: str, text: str) -> Iterator[str]:
    """What any containerd imports: 2.x finds `Imports` too, and 1.x reads more than TOML."""
    values = (value for data in readings(text) for key, value in data.items() if key.lower() == "imports")
    for name in (name for value in values if isinstance(value, list) for name in value):
        if isinstance(name, str) and name:
            yield absolute(name, file)
