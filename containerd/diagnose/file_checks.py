"""What is to be said of how the files become one configuration: versions, drop-ins, and tables that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

from common import Finding, Severity
from containerd.diagnose.subject import Subject
from containerd.loader import TO_SERVER, Leaf, Table
from containerd.model import CRI, IMAGES, RUNTIME, release_of

_SHORT = "cri"
_NAMES = (_SHORT, CRI, IMAGES, RUNTIME)


def file_findings(subject: Subject) -> Iterator[Finding]:
    """Everything about the files and what each of them sets."""
    yield from _version_missing(subject)
    yield from _unread_tables(subject)
    yield from _both_names(subject)
    yield from _both_ids(subject)
    yield from _replaced(subject)
    yield from _mixed_versions(subject)
    yield from _not_loaded(subject)
    yield from _required(subject)


def _version_missing(subject: Subject) -> Iterator[Finding]:
    main = next(iter(subject.merged.sources), None)
    if main is None or not main or _version(main):
        return
    plugins = main.table("plugins")
    ignored = [name for name in _NAMES if plugins.table(name) and not _is_read(subject, main, name)]
    if not ignored and (IMAGES in plugins or RUNTIME in plugins):
        yield Finding(
            "version-missing",
            Severity.NOTE,
            f"{main.file}:1",
            f"{main.file} has no `version`: containerd {subject.version} reads its tables all the same",
            "write `version = 3`, in which its plugins have the names that it uses",
        )
        return
    by_version = release_of(subject.version).short_names == "ignored"
    means = "so that its CRI tables are ignored" if by_version and ignored else "which means version 1"
    yield Finding(
        "version-missing",
        Severity.WARNING,
        f"{main.file}:1",
        f"{main.file} has no `version`, {means} on containerd {subject.version}",
        "write it as version 2 with plugins named like io.containerd.grpc.v1.cri; adding the line alone changes what "
        "else in the file is read",
    )


def _unread_tables(subject: Subject) -> Iterator[Finding]:
    for source in subject.merged.sources:
        for name in _NAMES:
            table = source.table("plugins").table(name)
            if table and not _is_read(subject, source, name):
                read = "cri" if subject.merged.version == 1 else release_of(subject.version).registry_plugin
                yield Finding(
                    "dead-tables",
                    Severity.WARNING,
                    subject.written(table),
                    f'plugins."{name}" is ignored by containerd {subject.version} in this file',
                    f'move what is meant to hold to plugins."{read}", and delete the table',
                )


def _is_read(subject: Subject, source: Table, name: str) -> bool:
    own, merged = _version(source), subject.merged.version
    if release_of(subject.version).merge == "plugins replaced":
        return name == (_SHORT if merged == 1 else CRI)
    if name in {IMAGES, RUNTIME}:
        return True
    if name == _SHORT:
        return own < 2 and (release_of(subject.version).merge == "each migrated" or merged == 2)
    migrated = own < 4 if release_of(subject.version).merge == "each migrated" else merged == 2
    return migrated or not set(source.table("plugins").table(CRI)) - set(TO_SERVER)


def _both_names(subject: Subject) -> Iterator[Finding]:
    for source in subject.merged.sources:
        plugins = source.table("plugins")
        if release_of(subject.version).reads_both_ids and _version(source) < 2 and _SHORT in plugins and CRI in plugins:
            yield Finding(
                "ambiguous-plugin-names",
                Severity.WARNING,
                subject.written(plugins[CRI]),
                f'plugins.cri and plugins."{CRI}" in a file of version 1: containerd 2.x takes one of them by chance',
                "keep one of the two",
            )


def _both_ids(subject: Subject) -> Iterator[Finding]:
    """2.x: the old id's registry replaces the new one's, in a version 3 file from 2.3 on (in memory migration)."""
    if release_of(subject.version).merge == "plugins replaced":
        return
    old = [source.table("plugins").table(CRI) for source in subject.merged.sources]
    olds = [table for table in old if "registry" in table]
    new = any("registry" in source.table("plugins").table(IMAGES) for source in subject.merged.sources)
    threes = [source for source in subject.merged.sources if _version(source) == 3]
    for table in olds if new or threes else []:
        if threes and release_of(subject.version).merge != "each migrated" and subject.merged.version == 3:
            message = "ignored now, and replaces the real registry table from containerd 2.3 on"
        else:
            message = f'replaces all of plugins."{IMAGES}".registry'
        yield Finding(
            "stale-old-table",
            Severity.WARNING,
            subject.written(table["registry"]),
            f'plugins."{CRI}".registry {message}',
            f'keep one of the two: move its settings to plugins."{IMAGES}".registry, and delete it',
        )


def _replaced(subject: Subject) -> Iterator[Finding]:
    """1.x: a later file's CRI table is the only one (containerd #5837)."""
    name = _SHORT if subject.merged.version == 1 else CRI
    tables = [source.table("plugins").table(name) for source in subject.merged.sources]
    setters = [table for table in tables if table]
    if release_of(subject.version).merge == "plugins replaced" and len(setters) > 1:
        last = setters[-1]
        for table in setters[:-1]:
            yield Finding(
                "dropin-replaces-cri",
                Severity.WARNING,
                subject.written(table),
                f"all of this CRI table is replaced by the one of {subject.written(last)}",
                f"write every CRI setting in {last.file}, or keep CRI out of the files that are imported",
            )


def _mixed_versions(subject: Subject) -> Iterator[Finding]:
    versions = {_version(source) for source in subject.merged.sources} - {0}
    if release_of(subject.version).merge != "plugins replaced" and len(versions) > 1:
        named = ", ".join(map(str, sorted(versions)))
        yield Finding(
            "mixed-versions",
            Severity.WARNING,
            f"{subject.files.main}:1",
            f"files of versions {named} are merged: tables of the older ones may be lost (containerd #12891), and "
            "2.3.0 to 2.3.4 do not start on a drop-in that is newer than the main file",
            "write all of them in the version of the main file",
        )


def _not_loaded(subject: Subject) -> Iterator[Finding]:
    loaded = {source.file for source in subject.merged.sources}
    for path in sorted(set(subject.files.texts) - loaded - {subject.files.main}):
        if path.endswith("/hosts.toml") or not path.endswith(".toml"):
            continue  # read at every pull, or by nobody: not for `imports`
        yield Finding(
            "file-not-loaded",
            Severity.NOTE,
            f"{path}:1",
            f"{path} is not imported: nothing in it holds",
            f"import it in {subject.files.main}, or delete it",
        )


def _required(subject: Subject) -> Iterator[Finding]:
    wanted = {_SHORT, CRI, IMAGES, RUNTIME}
    node = subject.merged.tree.get("required_plugins")
    if isinstance(node, Leaf) and wanted & set(node.value):
        yield Finding(
            "required-plugins",
            Severity.WARNING,
            subject.written(node),
            "CRI is in required_plugins: where it does not load, the daemon exits and restarts for ever",
            "prove a change before it is live, or take CRI out of required_plugins",
        )


def _version(source: Table) -> int:
    node = source.get("version")
    return node.value if isinstance(node, Leaf) and isinstance(node.value, int) else 0
