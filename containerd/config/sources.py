"""The configuration files that a daemon loads, seen together: where registry settings are, and which of them hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from containerd.config.tables import (
    NEW,
    OLD,
    SHORT,
    Mirrors,
    config_path_of,
    dotted,
    exists,
    file_version,
    mirrors_of,
    table_at,
)
from containerd.loader import (
    Leaf,
    Merged,
    Node,
    Table,
    agrees,
    as_read,
    doubles,
    hosts_roots,
    merge,
    place_of,
    plain,
    planted,
    read_toml,
    spelled,
)
from containerd.model import Dead, FileSet, NotToml, Refused, Version, release_of
from containerd.toml import Path, parse


@dataclass(frozen=True)
class Source:
    """One file: its absolute path, its text, and its tree with the daemon's own names for its settings."""

    path: str
    text: str = field(repr=False)
    tree: Table = field(repr=False)

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """The tree as plain data."""
        return plain(self.tree)  # type: ignore[no-any-return]

    def spelled(self, path: Path) -> Path:
        """A path by the daemon's names as this file has it."""
        return spelled(self.tree, path)

    def has(self, path: Path) -> bool:
        """Whether the file has something at a path."""
        return exists(self.data, path)


@dataclass(frozen=True)
class Sources:
    """The files in the order in which they are loaded, the main file first, and what the daemon makes of them."""

    fileset: FileSet
    files: tuple[Source, ...]
    version: Version
    merged: Merged = field(repr=False)

    @property
    def main(self) -> Source:
        """The main file."""
        return self.files[0]

    @cached_property
    def last(self) -> Source:
        """On 1.x the one file whose CRI section counts: each one replaces the section of those before it."""
        plugin = self.table(self.main)[:-1]
        return next((source for source in reversed(self.files) if source.has(plugin)), self.main)

    def table(self, source: Source) -> Path:
        """The registry table to write in a file.

        1.x knows the old id only, by its short name where no file has a version. 2.x reads both ids in version 2, and
        the old id's table, where there is one, replaces the new id's; in all others the new id's is the one.
        2.3 takes each file by itself, 2.0 to 2.2 all of them by the version of the last (containerd #12891).
        """
        release = release_of(self.version)
        alone = release.merge == "each migrated"
        number = file_version(source.data) if alone else self.written
        group = (source,) if alone else self.files
        if number < 2 and (not release.reads_both_ids or source.has(SHORT[:-1])):
            return SHORT
        if number < 2 and not any(each.has(OLD[:-1]) for each in group):
            return NEW
        if not release.reads_both_ids or (number < 3 and any(each.has(OLD) for each in group)):
            return OLD
        return NEW if max(number, file_version(source.data)) >= 3 or any(each.has(NEW) for each in group) else OLD

    def where(self, *below: str) -> str:
        """The file and line of the setting in effect at a path below the registry's table."""
        node = self.merged.node(*self._in_effect, *below)
        return f"{self.main.path}:1" if node is None else str(place_of(node, self.fileset))

    @cached_property
    def written(self) -> int:
        """The version that the last file with one has, 0 when no file has any."""
        return next((number for each in reversed(self.files) if (number := each.data.get("version", 0))), 0)

    @cached_property
    def registry(self) -> Mapping[str, Any]:
        """The registry settings in effect."""
        return plain(node) if isinstance(node := self._registry, Table) else {}

    @property
    def mirrors(self) -> Mirrors:
        """The mirrors in effect."""
        return mirrors_of(self.registry, ())

    @property
    def config_path(self) -> str:
        """The config_path in effect, empty when none is written."""
        return config_path_of(self.registry, ())

    @property
    def tls(self) -> dict[str, Mapping[str, Any]]:
        """The tls tables in effect, be they empty, by the host of `configs`."""
        configs = table_at(self.registry, ("configs",))
        return {host: table_at(configs, (host, "tls")) for host in configs if exists(configs, (host, "tls"))}

    def holds(self, source: Source, path: Path) -> bool:
        """Whether the setting that a file has at a path is one of those in effect."""
        return (source.path, source.spelled(path)) in self._holding

    @property
    def roots(self) -> tuple[str, ...]:
        """The directories of hosts.toml files that the daemon reads today: since 2.2 some are built in."""
        return hosts_roots(self.config_path, self.version, mirrors=bool(self.mirrors))

    @property
    def _in_effect(self) -> Path:
        if release_of(self.version).reads_both_ids:
            return NEW
        return SHORT if self.merged.version < 2 else OLD

    @cached_property
    def _registry(self) -> Node | None:
        return self.merged.node(*self._in_effect)

    @cached_property
    def _holding(self) -> frozenset[tuple[str, Path]]:
        return frozenset((leaf.file, leaf.path) for leaf in _leaves_of(self._registry))


def load_sources(files: FileSet, version: Version) -> Sources:
    """Read what a daemon loads. Raises NotToml, and Refused for files that it does not start on."""
    parse_file(files, files.main, version)
    try:
        merged = merge(files, version)
    except Dead as error:
        problem = f"containerd {version} does not start on these files: {error}"
        raise Refused(problem, "correct them first", code="daemon-dead") from None
    paths = tuple(tree.file for tree in merged.sources) or (files.main,)
    return Sources(files, tuple(source_of(files, path, version) for path in paths), version, merged)


def versioned(files: FileSet, version: Version) -> FileSet:
    """The same files, where a main file in which nothing is set gets the version that this daemon reads."""
    main = files.text(files.main) or ""
    if parse_file(files, files.main, version):
        return files
    newline = "\r\n" if "\r\n" in main else "\n"
    lead = main if not main or main.endswith("\n") else main + newline
    text = f"{lead}version = {min(release_of(version).config_version, 3)}{newline}"
    return FileSet(files.main, {**files.texts, files.main: text}, files.present)


def source_of(files: FileSet, path: str, version: Version) -> Source:
    """One file as a source. Raises NotToml and Refused, as `parse_file`."""
    tree = planted(parse_file(files, path, version), path)
    return Source(path, files.text(path) or "", as_read(tree, version))


def parse_file(files: FileSet, path: str, version: Version) -> Mapping[str, Any]:
    """The data of one file, empty when there is none. Raises NotToml, which names it.

    Raises Refused where no safe edit is possible: a setting is in the file in two spellings, or the daemon reads what
    the standard does not, or reads it differently.
    """
    text = files.text(path) or ""
    try:
        data = parse(text)
    except NotToml as error:
        if _reading(text, path, version) is None:
            raise NotToml(f"{path} is {error}") from None
        raise _dialect(version, path, f"which is {error}") from None
    for one, two in doubles(planted(data, path), version):
        raise Refused(
            f"{path}: {dotted(one)} and {dotted(two)} are one setting for containerd {version}, and both count",
            "write one of them",
            code="spelled-twice",
            key=two,
        )
    reading = _reading(text, path, version)
    if reading is not None and not agrees(reading, data):
        raise _dialect(version, path, "which the standard reads differently")
    return data


def _dialect(version: Version, path: str, reason: str) -> Refused:
    return Refused(
        f"containerd {version} reads {path}, {reason}",
        "TOML of that kind cannot be edited here safely, write it in standard TOML and run again",
        code="toml-dialect",
    )


def _reading(text: str, path: str, version: Version) -> Mapping[str, Any] | None:
    """What the daemon reads in a file, None where it reads none of it."""
    try:
        return read_toml(text, path, version)
    except Dead:
        return None


def _leaves_of(node: Node | None) -> Iterator[Leaf]:
    pending = [] if node is None else [node]
    while pending:
        each = pending.pop()
        if isinstance(each, Leaf):
            yield each
        else:
            pending += each.values()
