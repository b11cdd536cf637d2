"""The configuration that a daemon runs with: the main file and its imports, merged and migrated as its version does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from containerd.loader.imports import Loaded, loaded_files
from containerd.loader.migrations import move_plugins, move_services, name_plugins
from containerd.loader.names import as_read, named_file, named_plugins
from containerd.loader.schema import LISTS, SECTIONS, STRUCTS
from containerd.loader.trees import Leaf, Node, Table, place_of, plain, planted
from containerd.model import Dead, FileSet, Version, release_of


@dataclass(frozen=True)
class Merged:
    """What the daemon has: the version that it takes the whole for, and the tree, with lowercase top-level keys.

    `sources` are the trees of the files as they are written, in the order in which they are merged.
    """

    version: int
    tree: Table = field(repr=False)
    sources: tuple[Table, ...] = field(repr=False)

    @property
    def plugins(self) -> Table:
        """The tables of plugins, by the name that the daemon looks for."""
        return self.tree.table("plugins")

    def value(self, *path: str) -> Any:
        """The plain value at a path, None when there is none."""
        node = self.node(*path)
        return None if node is None else plain(node)

    def node(self, *path: str) -> Node | None:
        """The table or the leaf at a path."""
        table: Node | None = self.tree
        for key in path:
            table = table.get(key) if isinstance(table, Table) else None
        return table


def newest(version: Version) -> int:
    """The newest `version` of a config.toml that a containerd reads."""
    return release_of(version).config_version


def merge(files: FileSet, version: Version) -> Merged:
    """Merge what the daemon loads. Raises Dead where it would not start."""
    loaded = loaded_files(files, version)
    merges = {"plugins replaced": _merge_1, "whole migrated": _merge_2, "each migrated": _merge_2_3}
    release = release_of(version)
    merged = merges[release.merge](loaded, files, version)
    _check_version(merged, files, version)
    named_plugins(merged.plugins, version, short=release.go_toml == 1 and merged.version == 1)
    return merged


def _merge_1(loaded: tuple[Loaded, ...], files: FileSet, version: Version) -> Merged:
    """1.x: a plugin's table of a later file replaces the whole of an earlier one's (containerd #5837)."""
    tree = Table(files.main, ())
    for file in loaded:
        _merge_file(tree, _canonical(file, version), deep=False)
    return Merged(_number(tree) or 1, tree, _sources(loaded, version))


def _merge_2(loaded: tuple[Loaded, ...], files: FileSet, version: Version) -> Merged:
    """2.0 to 2.2: the last version named is that of all, and the merged whole is migrated (containerd #12891)."""
    tree, newest_version = Table(files.main, ()), newest(version)
    for file in loaded:
        config = _canonical(file, version)
        if _migratable(config) < 2:
            name_plugins(config)
            config["version"] = Leaf(_number(tree) or newest_version, file.path, ("version",))
        _merge_file(tree, config, deep=True)
    merged = _number(tree) or newest_version
    if merged < newest_version:
        _move(tree, version)
    return Merged(merged, tree, _sources(loaded, version))


def _merge_2_3(loaded: tuple[Loaded, ...], files: FileSet, version: Version) -> Merged:
    """2.3: each file is migrated before the merge; up to 2.3.4 none may be newer than the first that has a version."""
    tree, newest_version, root, first = Table(files.main, ()), newest(version), 0, files.main
    for file in loaded:
        config = _canonical(file, version)
        own = _migratable(config)
        first = first if root else file.path
        root = root or own
        if own > root and release_of(version).refuses_newer_imports:
            raise Dead(
                f"drop-in config version {own} higher than root config version {root}: {file.path} and {first}",
                str(place_of(config["version"], files)),
            )
        if own < 2:
            name_plugins(config)
        if own < newest_version:
            _move(config, version)
            move_services(config)
            config["version"] = Leaf(newest_version, file.path, ("version",))
        _merge_file(tree, config, deep=True)
    return Merged(_number(tree) or newest_version, tree, _sources(loaded, version))


def _check_version(merged: Merged, files: FileSet, version: Version) -> None:
    release, node = release_of(version), merged.tree.get("version")
    accepted = release.config_version
    if node is None or merged.version <= accepted or not release.checks_config_version:
        return
    if release.go_toml == 1:
        words = f"unsupported config version `{merged.version}`"
    else:
        words = f"expected containerd config version equal to or less than `{accepted}`, got `{merged.version}`"
    raise Dead(f"failed to load TOML from {node.file}: {words}", str(place_of(node, files)))


def _migratable(config: Table) -> int:
    number = _number(config)
    if number < 0:
        raise Dead("panic: runtime error: index out of range")
    return number


def _move(config: Table, version: Version) -> None:
    move_plugins(
        config.table("plugins"),
        names_cni_bin_dirs=release_of(version).names_cni_bin_dirs,
        built_in_config_path=has_built_in_config_path(version),
    )


def has_built_in_config_path(version: Version) -> bool:
    """Whether config_path has a built-in value before any file is read, as in 2.2.0 and 2.2.1 (containerd #12612)."""
    return release_of(version).built_in_config_path == "before files"


def _canonical(file: Loaded, version: Version) -> Table:
    """The file's tree, with the names by which the server finds its own settings."""
    return named_file(planted(file.data, file.path), version).copy()


def _sources(loaded: tuple[Loaded, ...], version: Version) -> tuple[Table, ...]:
    return tuple(as_read(planted(file.data, file.path), version) for file in loaded)


def _number(config: Table) -> int:
    found = config.get("version")
    return found.value if isinstance(found, Leaf) else 0


def _merge_file(tree: Table, config: Table, *, deep: bool) -> None:
    for key, node in config.items():
        if isinstance(node, Table):
            merged = tree.setdefault(key, Table(node.file, node.path))
            if isinstance(merged, Table):
                _merge_section(key, merged, node, deep=deep)
        elif key in LISTS:
            tree[key] = _joined(tree.get(key), node)
        elif node.value or key not in tree:
            tree[key] = node


def _merge_section(key: str, tree: Table, section: Table, *, deep: bool) -> None:
    if key in STRUCTS:
        tree.update((name, node) for name, node in section.items() if plain(node) or name not in tree)
    elif key in SECTIONS or not deep:
        tree.update(section.copy())
    else:
        _merge_deep(tree, section)


def _merge_deep(tree: Table, section: Table) -> None:
    """2.x: tables of plugins merge key by key; values, lists and empty ones too, are replaced (containerd #9982)."""
    pending = [(tree, section)]
    while pending:
        table, other = pending.pop()
        for key, node in other.items():
            existing = table.get(key)
            if isinstance(existing, Table) and isinstance(node, Table):
                pending.append((existing, node))
            else:
                table[key] = node.copy() if isinstance(node, Table) else node


def _joined(there: Node | None, node: Leaf) -> Leaf:
    before = there.value if isinstance(there, Leaf) else []
    return Leaf([*before, *(item for item in node.value if item not in before)], node.file, node.path)
