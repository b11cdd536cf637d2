"""The new text of every configuration file that changes, proved against what it must say and do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from containerd.config import Sources, load_sources
from containerd.decide.changes import edits
from containerd.loader import agrees, predict
from containerd.model import ContainerdError, FileSet, NotToml, Policy, Refused, Version
from containerd.toml import Edit, Leaf, Path, apply_edit, parse

_NOT_UNDERSTOOD = "{}: this file's shape is not understood"
_WRITE_A_TABLE = "write the registry as a [table] and run again"


def rewritten(before: FileSet, files: FileSet, sources: Sources, policy: Policy, root: str | None) -> dict[str, str]:
    """The texts that differ from those on the node (`before`); imported files first, the main one last.

    Raises Refused for a shape that defeats the edit, and where the daemon would not do what is planned.
    """
    spelled = {source.path: source.spelled for source in sources.files}
    wanted = edits(sources, policy, root)
    texts = {path: _edited(path, files.texts[path], _spelled(each, spelled[path])) for path, each in wanted.items()}
    after = FileSet(files.main, {**files.texts, **texts}, files.present)
    _prove(before, after, sources.version, policy, root)
    ordered = [source.path for source in reversed(sources.files)]
    return {path: after.texts[path] for path in ordered if before.texts.get(path) != after.texts[path]}


def _spelled(edit: Edit, spelled: Callable[[Path], Path]) -> Edit:
    """The edit by the names that the file has for what it has."""
    leaves = tuple(Leaf(spelled(leaf.path), leaf.value) for leaf in edit.leaves)
    return Edit(spelled(edit.table), tuple(map(spelled, edit.drop)), leaves)


def _edited(path: str, before: str, wanted: Edit) -> str:
    try:
        after = apply_edit(before, wanted)
        understood = same(parse(after), applied(parse(before), wanted), wanted)
    except NotToml:
        understood = False
    except Refused:
        raise Refused(_NOT_UNDERSTOOD.format(path), _WRITE_A_TABLE, code="shape-not-understood") from None
    if not understood:
        raise Refused(_NOT_UNDERSTOOD.format(path), _WRITE_A_TABLE, code="shape-not-understood")
    return after


def _prove(before: FileSet, after: FileSet, version: Version, policy: Policy, root: str | None) -> None:
    """Raise Refused unless a daemon with the new files runs as planned, and a second pass finds nothing to do."""
    try:
        sources = load_sources(after, version)
        steady = not edits(sources, policy, root)
    except ContainerdError as error:
        raise Refused(f"internal error: the new files are not read ({error}); nothing is changed") from None
    if wrong := _wrong(sources, policy, root):
        raise Refused(f"internal error: with the new files {wrong}; nothing is changed")
    if not steady:
        raise Refused("internal error: the new files would change again; nothing is changed")
    was, becomes = predict(before, version), predict(after, version)
    if was.cri == "ok" and becomes.cri != "ok":
        raise Refused(f"internal error: CRI would be {becomes.cri} ({becomes.reason}); nothing is changed")


def _wrong(sources: Sources, policy: Policy, root: str | None) -> str | None:
    mirrors = sources.mirrors
    if root is not None:
        if mirrors:
            return f"mirrors ({', '.join(mirrors)}) would still be in effect"
        return None if sources.config_path == root else f'config_path would be "{sources.config_path}"'
    table = {registry.name: registry.endpoints for registry in policy.registries}
    if sources.config_path or "*" in mirrors or any(mirrors.get(name) != each for name, each in table.items()):
        return "the mirrors would not be the table's"
    return None


def applied(data: Mapping[str, Any], edit: Edit) -> dict[str, Any]:
    """The data of a file after an edit."""
    wanted = _Copy(data)
    for path in edit.drop:
        wanted.table(path[:-1]).pop(path[-1], None)
    for leaf in edit.leaves:
        wanted.table(leaf.path[:-1])[leaf.path[-1]] = leaf.value if isinstance(leaf.value, str) else list(leaf.value)
    return wanted.data


def same(found: Mapping[str, Any], wanted: Mapping[str, Any], edit: Edit) -> bool:
    """Whether two files say the same, but for empty tables that are left of, or gone with, what was removed."""
    paths = dict.fromkeys((edit.table, *(path[:-1] for path in edit.drop)))
    one, other = (_without_empty(data, tuple(paths)) for data in (found, wanted))
    return agrees(one, other) and agrees(other, one)


def _without_empty(data: Mapping[str, Any], paths: tuple[Path, ...]) -> dict[str, Any]:
    copy = _Copy(data)
    for path in paths:
        for depth in range(len(path), 0, -1):
            if copy.is_empty(path[:depth]):
                del copy.table(path[: depth - 1])[path[depth - 1]]
    return copy.data


class _Copy:
    """A copy of plain data as far as it is changed: the rest is shared."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)
        self.copied: dict[Path, dict[str, Any]] = {(): self.data}

    def table(self, path: Path) -> dict[str, Any]:
        """The table at a path, which may be changed; an empty one where there is none."""
        if path not in self.copied:
            parent = self.table(path[:-1])
            parent[path[-1]] = self.copied[path] = dict(parent.get(path[-1], {}))
        return self.copied[path]

    def is_empty(self, path: Path) -> bool:
        """Whether there is a table at a path that has nothing."""
        table: Any = self.data
        for key in path:
            table = table.get(key) if isinstance(table, Mapping) else None
        return isinstance(table, Mapping) and not table
