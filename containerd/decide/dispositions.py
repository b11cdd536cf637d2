"""What becomes of every registry setting that a node has: nothing goes without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common import mask_urls
from containerd.config import NEW, OLD, SHORT, Mirrors, Source, Sources, dotted, table_at
from containerd.model import STAYS, Accounted, Disposition, Dispositions, release_of
from containerd.toml import Path

_UNREAD = Disposition("kept", "stays where it is, where this containerd does not read it")
_DEAD = Disposition("removed", "had no effect: another table or file takes its place")


def stays_but_for(mirrors: Mirrors, table: Mirrors) -> Dispositions:
    """What becomes of mirrors under the strategy mirrors: the wildcard goes, the table gives its own endpoints."""
    rest = "other registries are pulled from their upstream"
    wildcard = Disposition("replaced", f"a mirror each for {', '.join(table)}; {rest}")
    dispositions: dict[tuple[str, str], Disposition] = {}
    for name, endpoints in mirrors.items():
        disposition = wildcard if name == "*" else STAYS
        if name in table and endpoints != table[name]:
            disposition = Disposition("replaced", f"the table's cache ({', '.join(table[name])})")
        dispositions |= {(name, endpoint): disposition for endpoint in (*endpoints, "")}
    return Dispositions(dispositions)


def account(sources: Sources, dispositions: Dispositions) -> tuple[Accounted, ...]:
    """Account for every registry setting of every file that is loaded."""
    found = []
    for source in sources.files:
        place = "" if source == sources.main else f"{source.path}: "
        for table in (SHORT, OLD, NEW):
            for path, disposition in _settings(source, table, sources, dispositions):
                key = mask_urls(f"{place}{_spelled(source.spelled((*table, *path)))}")
                found.append(Accounted(key, disposition.outcome, mask_urls(disposition.to)))
    return tuple(found)


def _spelled(path: Path) -> str:
    """A path as an operator writes it, with the number of an endpoint behind it."""
    key, bracket, number = path[-1].partition("[") if len(path) > 4 else (path[-1], "", "")
    return dotted((*path[:-1], key)) + bracket + number


def _settings(
    source: Source, table: Path, sources: Sources, dispositions: Dispositions
) -> Iterator[tuple[Path, Disposition]]:
    registry = table_at(source.data, table)
    written = sources.table(source)
    unread = table != written and (not release_of(sources.version).reads_both_ids or SHORT in {table, written})
    if unread or dispositions.kept:
        yield from ((path, _UNREAD if unread else STAYS) for path in _leaves(registry))
        return
    seen = _Seen(source, table, sources, dispositions)
    for key, value in registry.items():
        if key == "mirrors":
            yield from seen.mirrors(value)
        elif key == "configs":
            yield from seen.configs(value)
        elif key == "config_path":
            yield ("config_path",), seen.config_path(value)
        elif table == OLD and written == NEW:
            yield (key,), Disposition("removed", "was empty, in a table that is not read")
        elif isinstance(value, Mapping):
            yield from (((key, name), STAYS) for name in value)
        else:
            yield (key,), STAYS


def _leaves(registry: Mapping[str, Any]) -> Iterator[Path]:
    for key, value in registry.items():
        if isinstance(value, Mapping):
            yield from ((key, name) for name in value)
        else:
            yield (key,)


@dataclass(frozen=True)
class _Seen:
    """One registry table of one file."""

    source: Source
    table: Path
    sources: Sources
    dispositions: Dispositions

    def mirrors(self, mirrors: Mapping[str, Any]) -> Iterator[tuple[Path, Disposition]]:
        for name, entry in mirrors.items():
            path: Path = ("mirrors", name)
            said = entry.get("endpoint", ())
            dead = _DEAD if self._loses_mirror(name) else _UNREAD
            for number, endpoint in enumerate(said):
                disposition = self._of((*path, "endpoint"), self.dispositions.endpoints.get((name, endpoint)), dead)
                yield (*path, f"endpoint[{number}]"), disposition
            if not said:
                yield path, self.dispositions.endpoints.get((name, ""), dead)
            other = Disposition("removed", "is no setting of containerd") if dead is _DEAD else STAYS
            yield from (((*path, key), other) for key in entry if key != "endpoint")

    def configs(self, configs: Mapping[str, Any]) -> Iterator[tuple[Path, Disposition]]:
        for host, entry in configs.items():
            for key, value in entry.items():
                path: Path = ("configs", host, key)
                if key != "tls" or self.dispositions.root is None:
                    yield path, STAYS
                    continue
                for setting in value:
                    yield (
                        (*path, setting),
                        self._of((*path, setting), self.dispositions.tls.get((host, setting)), _DEAD),
                    )
                if not value:
                    yield path, Disposition("removed", "was empty")

    def config_path(self, value: str) -> Disposition:
        root = self.dispositions.root
        if self.table != self.sources.table(self.source):
            return _DEAD
        return STAYS if root is None or value == root else Disposition("replaced", f'config_path = "{root}"')

    def _loses_mirror(self, name: str) -> bool:
        return self.dispositions.root is not None or name == "*" or self.table != self.sources.table(self.source)

    def _of(self, path: Path, disposition: Disposition | None, dead: Disposition) -> Disposition:
        return disposition if disposition and self.sources.holds(self.source, (*self.table, *path)) else dead
