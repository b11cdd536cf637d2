"""When a node's files must not be changed: findings that block, whatever the operator permits.

Audit and rollout both have them from here. What no file shows before it is edited stays an exception of the edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from common import Finding, Severity
from containerd.config import (
    NEW,
    OLD,
    SHORT,
    Source,
    Sources,
    config_path_of,
    dotted,
    file_version,
    load_sources,
    mirrors_of,
    single_root,
    source_of,
    table_at,
    versioned,
)
from containerd.diagnose.diagnosis import state_findings
from containerd.loader import Leaf, place_of
from containerd.model import FileSet, NotToml, Refused, Strategy, Version, check_major, release_of
from containerd.toml import Path

_TLS = frozenset({"insecure_skip_verify", "ca_file", "cert_file", "key_file"})
_SETTINGS = _TLS | {"config_path", "mirrors", "configs", "auths", "headers", "endpoint", "tls", "auth"}


def refusals(files: FileSet, version: Version, strategy: Strategy) -> tuple[Finding, ...]:
    """Return every reason for which the strategy is not applied to these files; each blocks.

    What is wrong with a file comes before what the daemon makes of it, because it tells more than the daemon's own
    words. Raises VersionError for a version that is not supported at all.
    """
    check_major(version)
    if strategy is Strategy.SKIP:
        return ()
    found = list(_of_file(files, files.main, version))
    explained = bool(found)
    try:
        sources = load_sources(versioned(files, version), version)
    except (NotToml, Refused):
        # The main file, or else one that it imports.
        others = [path for path in sorted(files.texts) if path != files.main and _is_config(path)]
        for path in others if not found else ():
            found += _of_file(files, path, version)
    else:
        found += _of_sources(sources, strategy)
    return tuple(dict.fromkeys((*found, *_state(files, version, explained=explained))))


def _is_config(path: str) -> bool:
    return path.endswith(".toml") and not path.endswith("/hosts.toml")


def _state(files: FileSet, version: Version, *, explained: bool) -> Iterator[Finding]:
    """What the daemon makes of the files, where it does not start or has no CRI to configure."""
    for finding in state_findings(files, version):
        if finding.blocks and not (explained and finding.code == "daemon-dead"):
            yield finding


def _of_file(files: FileSet, path: str, version: Version) -> Iterator[Finding]:
    """What is wrong with one file by itself, as far as it can be read."""
    try:
        source = source_of(files, path, version)
    except NotToml as error:
        yield _blocking("not-toml", f"{path}:1", str(error), "correct it, and run again")
    except Refused as refused:
        yield from refused.as_findings(_line(files, path, refused.key))
    else:
        yield from _of_types(source, files, version)


def _of_sources(sources: Sources, strategy: Strategy) -> Iterator[Finding]:
    for source in sources.files[1:]:
        yield from _of_types(source, sources.fileset, sources.version)
    for check in (_no_version, _mixed, _leftovers, _mirrors if strategy is Strategy.MIRRORS else _root):
        try:
            yield from check(sources)
        except Refused:
            # A table that is none, which the types have named.
            continue


def _of_types(source: Source, files: FileSet, version: Version) -> Iterator[Finding]:
    """What containerd does not read in a file, or reads by another spelling than anybody else."""
    reads_both = release_of(version).reads_both_ids
    checks = [_newer(source, version)]
    for table in (SHORT, OLD, NEW) if reads_both else (SHORT, OLD):
        checks += [_read(mirrors_of, source, table), _read(config_path_of, source, table)]
        checks += [_spellings(source, table, files, version)]
    for check in checks:
        yield from _caught(check, source, files)


def _read(read: Callable[[Mapping[str, Any], Path], object], source: Source, table: Path) -> Iterator[Finding]:
    """Nothing, or the refusal of what is not read as it is meant."""
    read(source.data, table)
    yield from ()


def _caught(check: Iterator[Finding], source: Source, files: FileSet) -> Iterator[Finding]:
    """The findings of a check, and the one that it could not go on after."""
    try:
        yield from check
    except Refused as refused:
        yield from refused.as_findings(_line(files, source.path, source.spelled(refused.key)))


def _newer(source: Source, version: Version) -> Iterator[Finding]:
    number = file_version(source.data)
    if not release_of(version).reads_both_ids and number > 2:
        problem = f"{source.path} is version {number}, which containerd {version} does not read"
        yield _blocking("version-not-read", f"{source.path}:1", problem, "write it as version 2")


def _spellings(source: Source, table: Path, files: FileSet, version: Version) -> Iterator[Finding]:
    for path in _settings(source.data, table):
        if path[-1] not in _SETTINGS and path[-1].lower() in _SETTINGS:
            yield _blocking(
                "spelled-in-another-case",
                _line(files, source.path, path),
                f"{source.path}: containerd {version} does not read {dotted(path)}, and newer ones read it as "
                f"{path[-1].lower()}",
                "write it so, or delete it",
            )


def _settings(data: Mapping[str, Any], table: Path) -> Iterator[Path]:
    """The keys that containerd itself names; it does not mind how their letters are written."""
    yield from ((*table, key) for key in table_at(data, table))
    for kind in ("mirrors", "configs"):
        for name in table_at(data, (*table, kind)):
            yield from ((*table, kind, name, key) for key in table_at(data, (*table, kind, name)))
    for host in table_at(data, (*table, "configs")):
        path = (*table, "configs", host, "tls")
        yield from ((*path, key) for key in table_at(data, path))


def _no_version(sources: Sources) -> Iterator[Finding]:
    """A file without a version is version 1: each containerd reads other parts of it."""
    for source in sources.files:
        if file_version(source.data) < 2 and (wrong := _unread(source, sources)):
            kind = "has no `version`, which means version 1" if "version" not in source.data else "is version 1"
            yield _blocking(
                "version-1",
                f"{source.path}:1",
                f"{source.path} {kind}: {wrong}",
                "Adding a version alone would change what else in it is read: convert it by hand to version 2, where "
                "plugins have names like io.containerd.grpc.v1.cri, and run again",
            )


def _unread(source: Source, sources: Sources) -> str | None:
    """What a daemon makes of a file without a version, where that is not what it says."""
    version, plugins = sources.version, table_at(source.data, ("plugins",))
    long = ", ".join(name for name in plugins if name.startswith("io.containerd."))
    if release_of(version).short_names == "migrated":
        problem = f"containerd {version} makes one section of plugins.cri and {long}, whichever was meant"
        return problem if "cri" in plugins and {OLD[1], NEW[1]} & set(plugins) else None
    if sources.written < 2 and release_of(version).short_names == "ignored":
        dead = [name for name in ("cri", OLD[1]) if name in plugins]
        problem = f"containerd {version} ignores every CRI setting in it ({', '.join(dead)}), and runs on defaults"
        return problem if dead else None
    if sources.written < 2 and long:
        beside = "beside plugins.cri" if "cri" in plugins else "and runs on defaults"
        return f"containerd {version} ignores its plugins by names of version 2 ({long}), {beside}"
    if sources.written >= 2 and "cri" in plugins:
        return f"it is read as version {sources.written}, which another file has, and has plugins.cri"
    return None


def _mixed(sources: Sources) -> Iterator[Finding]:
    """2.0 to 2.2 take all files for the version of the last: tables of the others vanish, or replace real ones."""
    main, number = sources.main, sources.written
    if release_of(sources.version).merge != "whole migrated":
        return
    vanish = file_version(main.data) < 3 <= number and main.has(OLD[:-1])
    replaced = file_version(main.data) >= 3 > number and any(source.has(OLD) for source in sources.files)
    if vanish or replaced:
        other = next(source for source in reversed(sources.files) if file_version(source.data) == number)
        what = "reads none of the CRI settings" if vanish else "does not read the registry settings"
        yield _blocking(
            "mixed-versions",
            f"{main.path}:1",
            f"{other.path} is version {number}, so containerd {sources.version} {what} of {main.path}, which is "
            f"version {file_version(main.data)} (containerd #12891)",
            "write both in the same version, and run again",
        )


def _leftovers(sources: Sources) -> Iterator[Finding]:
    """From version 3 on a table under the old id is dead, until containerd 2.3 lets it replace the new id's."""
    for source in sources.files:
        if not release_of(sources.version).reads_both_ids or sources.table(source) != NEW:
            continue
        old = table_at(source.data, OLD)
        kept = [key for key, value in old.items() if key not in {"mirrors", "config_path"} and value]
        if kept:
            yield _blocking(
                "stale-old-table",
                _line(sources.fileset, source.path, source.spelled(OLD)),
                f"{source.path}: {dotted(OLD)} in a version 3 file is ignored by containerd 2.0 to 2.2, and replaces "
                f"the real one on 2.3. It has more than mirrors ({', '.join(kept)})",
                f"move that to {dotted(NEW)}, or delete it",
            )


def _root(sources: Sources) -> Iterator[Finding]:
    config_path = sources.config_path
    try:
        single_root(config_path, sources.fileset.texts)
    except Refused as refused:
        yield from refused.as_findings(sources.where("config_path"))


def _mirrors(sources: Sources) -> Iterator[Finding]:
    woken = (source for source in sources.files if sources.table(source) == NEW and source.has(OLD))
    roots = [sources.config_path, *(config_path_of(source.data, NEW) for source in woken)]
    if config_path := next(filter(None, roots), None):
        yield _blocking(
            "mirrors-beside-config-path",
            sources.where("config_path"),
            f'strategy mirrors: config_path = "{config_path}" is set, and the CRI plugin fails with both',
            "use the strategy config_path on this node, or remove config_path first",
        )
    if release_of(sources.version).built_in_config_path == "before files":
        yield _blocking(
            "mirrors-not-possible",
            f"{sources.main.path}:1",
            f"strategy mirrors: containerd {sources.version} fails with any mirrors (containerd #12612)",
            "use the strategy config_path on this node, or upgrade to 2.2.2",
        )


def _line(files: FileSet, path: str, key: Path) -> str:
    return str(place_of(Leaf(None, path, key), files)) if key else f"{path}:1"


def _blocking(code: str, where: str, message: str, fix: str) -> Finding:
    return Finding(code, Severity.ERROR, where, message, fix, blocks=True)
