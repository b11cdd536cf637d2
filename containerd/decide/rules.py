"""When a node's files must not be changed. Each refusal says what is in the way, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from containerd.config import (
    NEW,
    OLD,
    SHORT,
    Source,
    Sources,
    config_path_of,
    dotted,
    file_version,
    mirrors_of,
    source_of,
    table_at,
)
from containerd.loader import Prediction
from containerd.model import FileSet, Refused, Strategy, Version, check_major, release_of
from containerd.toml import Path

_TLS = frozenset({"insecure_skip_verify", "ca_file", "cert_file", "key_file"})
_SETTINGS = _TLS | {"config_path", "mirrors", "configs", "auths", "headers", "endpoint", "tls", "auth"}


def check_main(files: FileSet, version: Version) -> None:
    """Raise Refused for a main file that is not what containerd reads, VersionError for one of another age.

    Raises NotToml too. It comes before anything is merged, because it tells more than the daemon's own words.
    """
    check_major(version)
    _check_types(source_of(files, files.main, version), version)


def check(sources: Sources, strategy: Strategy) -> None:
    """Raise Refused when the strategy cannot be applied to these files on this version of containerd."""
    for source in sources.files:
        _check_types(source, sources.version)
    _check_no_version(sources)
    _check_mixed(sources)
    for source in sources.files:
        _check_leftovers(source, sources)
    if strategy is Strategy.MIRRORS:
        _check_mirrors(sources)


def check_state(prediction: Prediction, version: Version) -> None:
    """Raise Refused when the daemon does not start on the files, or has no CRI to configure."""
    if prediction.cri == "dead":
        raise Refused(f"containerd {version} does not start on these files: {prediction.reason}; correct them first")
    if prediction.cri == "absent":
        raise Refused(
            f"CRI is disabled in these files ({prediction.reason}): enable it and restart containerd first, "
            "or take the node out of the inventory"
        )


def _check_types(source: Source, version: Version) -> None:
    """Raise Refused for what containerd does not read, or reads by another spelling than anybody else."""
    number = file_version(source.data)
    reads_both = release_of(version).reads_both_ids
    if not reads_both and number > 2:
        raise Refused(
            f"{source.path} is version {number}, which containerd {version} does not read: write it as version 2"
        )
    for table in (SHORT, OLD, NEW) if reads_both else (SHORT, OLD):
        mirrors_of(source.data, table)
        config_path_of(source.data, table)
        for path in _settings(source.data, table):
            if path[-1] not in _SETTINGS and path[-1].lower() in _SETTINGS:
                raise Refused(
                    f"{source.path}: containerd {version} does not read {dotted(path)}, and newer ones read it as "
                    f"{path[-1].lower()}: write it so, or delete it"
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


def _check_no_version(sources: Sources) -> None:
    """A file without a version is version 1: each containerd reads other parts of it."""
    for source in sources.files:
        if file_version(source.data) < 2 and (wrong := _unread(source, sources)):
            said = "has no `version`, which means version 1" if "version" not in source.data else "is version 1"
            raise Refused(
                f"{source.path} {said}: {wrong}. Adding a version alone would change what else in it is read: convert "
                "it by hand to version 2, where plugins have names like io.containerd.grpc.v1.cri, and run again"
            )


def _unread(source: Source, sources: Sources) -> str | None:
    """What a daemon makes of a file without a version, where that is not what it says."""
    version, plugins = sources.version, table_at(source.data, ("plugins",))
    long = ", ".join(name for name in plugins if name.startswith("io.containerd."))
    if release_of(version).short_names == "migrated":
        said = f"containerd {version} makes one section of plugins.cri and {long}, and which one was meant is not told"
        return said if "cri" in plugins and {OLD[1], NEW[1]} & set(plugins) else None
    if sources.written < 2 and release_of(version).short_names == "ignored":
        dead = [name for name in ("cri", OLD[1]) if name in plugins]
        said = f"containerd {version} ignores every CRI setting in it ({', '.join(dead)}), and runs on defaults"
        return said if dead else None
    if sources.written < 2 and long:
        beside = "beside plugins.cri" if "cri" in plugins else "and runs on defaults"
        return f"containerd {version} ignores its plugins by names of version 2 ({long}), {beside}"
    if sources.written >= 2 and "cri" in plugins:
        return f"it is read as version {sources.written}, which another file has, and has plugins.cri"
    return None


def _check_mixed(sources: Sources) -> None:
    """2.0 to 2.2 take all files for the version of the last: tables of the others vanish, or replace real ones."""
    main, number = sources.main, sources.written
    if release_of(sources.version).merge != "whole migrated":
        return
    vanish = file_version(main.data) < 3 <= number and main.has(OLD[:-1])
    replaced = file_version(main.data) >= 3 > number and any(source.has(OLD) for source in sources.files)
    if vanish or replaced:
        other = next(source for source in reversed(sources.files) if file_version(source.data) == number)
        what = "reads none of the CRI settings" if vanish else "does not read the registry settings"
        raise Refused(
            f"{other.path} is version {number}, so containerd {sources.version} {what} of {main.path}, which is "
            f"version {file_version(main.data)} (containerd #12891): write both in the same version, and run again"
        )


def _check_leftovers(source: Source, sources: Sources) -> None:
    """From version 3 on a table under the old id is dead, until containerd 2.3 lets it replace the new id's."""
    if not release_of(sources.version).reads_both_ids or sources.table(source) != NEW:
        return
    kept = [key for key, value in table_at(source.data, OLD).items() if key not in {"mirrors", "config_path"} and value]
    if kept:
        raise Refused(
            f"{source.path}: {dotted(OLD)} in a version 3 file is ignored by containerd 2.0 to 2.2, and replaces the "
            f"real one on 2.3. It has more than mirrors ({', '.join(kept)}): move that to {dotted(NEW)}, or delete it"
        )


def _check_mirrors(sources: Sources) -> None:
    woken = (source for source in sources.files if sources.table(source) == NEW and source.has(OLD))
    found = [sources.config_path, *(config_path_of(source.data, NEW) for source in woken)]
    if config_path := next(filter(None, found), None):
        raise Refused(
            f'strategy mirrors: config_path = "{config_path}" is set, and the CRI plugin fails with both: '
            "use the strategy config_path on this node, or remove config_path first"
        )
    if release_of(sources.version).built_in_config_path == "before files":
        raise Refused(
            f"strategy mirrors: containerd {sources.version} fails with any mirrors (containerd #12612): "
            "use the strategy config_path on this node, or upgrade to 2.2.2"
        )
