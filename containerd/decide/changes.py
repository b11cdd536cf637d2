"""What is edited in which file, so that the daemon runs with config_path, or with the table's mirrors."""

from __future__ import annotations

from collections.abc import Iterator

from containerd.config import NEW, OLD, SHORT, Source, Sources, config_path_of, mirrors_of, table_at
from containerd.model import Policy, release_of
from containerd.toml import Edit, Leaf, Path


def edits(sources: Sources, policy: Policy, root: str | None) -> dict[str, Edit]:
    """The edit of each file by its path, where `root` is the config_path to set, or None for the strategy mirrors."""
    found = {source.path: _edit(source, sources, policy, root) for source in sources.files}
    return {path: edit for path, edit in found.items() if edit.drop or edit.leaves}


def leftovers(source: Source, sources: Sources) -> tuple[Path, ...]:
    """What goes under the plugin id that is not the one: all of the old id's table when the new id's is read."""
    table = sources.table(source)
    if not release_of(sources.version).reads_both_ids or table == SHORT:
        return ()
    if table == NEW:
        return (OLD,) if source.has(OLD) else ()
    return tuple(path for path in ((*NEW, "mirrors"), (*NEW, "config_path")) if source.has(path))


def _edit(source: Source, sources: Sources, policy: Policy, root: str | None) -> Edit:
    table = sources.table(source)
    if root is not None:
        drop = (*_present(source, (*table, "mirrors")), *_tls(source, sources))
        return Edit(table, (*drop, *leftovers(source, sources)), _config_path(source, sources, root))
    drop = (*_present(source, (*table, "mirrors", "*")), *leftovers(source, sources))
    return Edit(table, drop, tuple(_mirrors(source, sources, policy)))


def _present(source: Source, path: Path) -> tuple[Path, ...]:
    return (path,) if source.has(path) else ()


def _tls(source: Source, sources: Sources) -> Iterator[Path]:
    """The tls tables; a host of `configs` that has nothing else goes with it, since 2.1 pulls differently with any."""
    table = sources.table(source)
    for each in (OLD, NEW) if table == OLD and release_of(sources.version).reads_both_ids else (table,):
        configs = (*each, "configs")
        for host in table_at(source.data, configs):
            keys = set(table_at(source.data, (*configs, host)))
            if "tls" in keys:
                yield (*configs, host) if keys == {"tls"} else (*configs, host, "tls")


def _config_path(source: Source, sources: Sources, root: str) -> tuple[Leaf, ...]:
    """Set it where it wins, and wherever another value would bite when an imported file goes, or is written anew."""
    table = sources.table(source)
    if release_of(sources.version).merge == "plugins replaced":
        due = source == sources.last or source.has(table)
    else:
        setting = [each for each in sources.files if each.has((*sources.table(each), "config_path"))]
        due = source in setting or (source == sources.main and not setting)
    due = due or (source == sources.main and source.has(table[:-1]))
    return (Leaf((*table, "config_path"), root),) if due and config_path_of(source.data, table) != root else ()


def _mirrors(source: Source, sources: Sources, policy: Policy) -> Iterator[Leaf]:
    """The table's mirrors go where the last mirrors are; where a registry has one already, it says the same."""
    path = (*sources.table(source), "mirrors")
    present = mirrors_of(source.data, path[:-1])
    for registry in policy.registries:
        due = registry.name in present or source == _holder(sources)
        if due and present.get(registry.name) != registry.endpoints:
            yield Leaf((*path, registry.name, "endpoint"), registry.endpoints)


def _holder(sources: Sources) -> Source:
    if release_of(sources.version).merge == "plugins replaced":
        return sources.last
    holders = (source for source in reversed(sources.files) if source.has((*sources.table(source), "mirrors")))
    return next(holders, sources.main)
