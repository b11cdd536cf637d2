from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from containerd.diagnose import diagnose
from containerd.loader import predict
from containerd.model import (
    Generation,
    GoType,
    ListOf,
    MapOf,
    Release,
    Struct,
    VersionError,
    check_major,
    doubt_of,
    generation_of,
    release_of,
    releases,
)
from containerd.model.releases.lines_1 import ROWS_1
from containerd.model.releases.lines_2 import ROWS_2
from tests.unit.containerd.samples import fileset, version

LINES = ("1.5.18", "1.6.39", "1.7.34", "2.0.11", "2.1.9", "2.2.7", "2.3.4", "2.4.0-beta.0")


def test_the_rows_are_in_order_and_say_who_says_so() -> None:
    rows = (*ROWS_1, *ROWS_2)
    assert [row.since for row in rows] == sorted(row.since for row in rows)
    assert all(row.source for row in rows)


@pytest.mark.parametrize("text", LINES)
def test_every_key_has_a_type_that_can_be_decoded(text: str) -> None:
    release = release_of(version(text))
    structs = list(_structs([release.config, *release.plugin_types.values()]))
    assert {struct.name for struct in structs} == {name for name in release.keys if name in _reached(release)}
    assert all(struct.fields for struct in structs)


def _structs(types: list[GoType]) -> list[Struct]:
    found: list[Struct] = []
    for type_ in types:
        if isinstance(type_, Struct):
            found += [type_, *_structs(list(type_.fields.values()))]
        elif isinstance(type_, ListOf):
            found += _structs([type_.item])
        elif isinstance(type_, MapOf):
            found += _structs([type_.value])
    return found


def _reached(release: Release) -> set[str]:
    return {struct.name for struct in _structs([release.config, *release.plugin_types.values()])}


@pytest.mark.parametrize("text", LINES)
def test_what_cri_needs_is_built_in(text: str) -> None:
    release = release_of(version(text))
    assert release.needed <= release.plugins
    assert set(release.plugin_types) <= release.plugins


# Each first release of a line that has it, and the last that has not.
OVERLAY = "io.containerd.snapshotter.v1.overlayfs"
BEGINNINGS: tuple[tuple[str, Callable[[Release], object], object, object, str, str], ...] = (
    ("version check", lambda it: it.checks_config_version, False, True, "1.6.31 1.7.16", "1.6.32 1.7.17 2.0.0"),
    ("relative globs", lambda it: it.globs_from_importer, False, True, "1.6.28 1.7.13", "1.6.29 1.7.14 2.0.0"),
    ("version 3", lambda it: it.config_version, 2, 3, "1.5.18 1.7.34", "2.0.0 2.2.7"),
    ("version 4", lambda it: it.config_version, 3, 4, "2.0.0 2.2.7", "2.3.0 2.4.0"),
    ("merging the whole", lambda it: it.merge, "plugins replaced", "whole migrated", "1.7.34", "2.0.0 2.2.7"),
    ("merging each", lambda it: it.merge, "whole migrated", "each migrated", "2.2.7", "2.3.0 2.4.0"),
    ("no newer imports", lambda it: it.refuses_newer_imports, False, True, "2.2.7 2.3.5 2.4.0", "2.3.0 2.3.4"),
    ("#12612", lambda it: it.built_in_config_path == "before files", False, True, "2.1.9 2.2.2 2.3.0", "2.2.0 2.2.1"),
    ("built-in roots", lambda it: it.built_in_config_path, "no", "where unset", "1.7.34 2.1.9", "2.2.2 2.3.4"),
    ("pull path", lambda it: it.pull_path, "client", "transfer", "1.7.34 2.0.11", "2.1.0 2.3.4"),
    ("override_path", lambda it: it.hosts.override_path, False, True, "1.5.18", "1.6.0 1.7.0 2.0.0 2.3.4"),
    ("dial_timeout", lambda it: it.hosts.dial_timeout, False, True, "1.7.34 2.0.6", "2.0.7 2.1.0 2.2.0"),
    ("server alone", lambda it: it.hosts.server_alone, False, True, "1.6.39 1.7.31", "1.7.32 2.0.0 2.3.4"),
    ("referrers", lambda it: it.hosts.referrers, False, True, "1.7.34 2.1.9", "2.2.0 2.3.4"),
    ("sync_remove", lambda it: it.has(OVERLAY, "sync_remove"), False, True, "1.6.20", "1.6.39 1.7.0 2.0.0"),
)


@pytest.mark.parametrize("row", BEGINNINGS, ids=lambda row: row[0])
def test_with_which_release_it_came(
    row: tuple[str, Callable[[Release], object], object, object, str, str],
) -> None:
    _, ask, before, after, old, new = row
    assert {ask(release_of(version(text))) for text in old.split()} == {before}
    assert {ask(release_of(version(text))) for text in new.split()} == {after}


def test_a_distribution_builds_with_its_own_libraries() -> None:
    assert release_of(version("2.1.9")).toml == "go-toml 2"
    assert release_of(version("2.1.9+unknown")).toml == "go-toml 2.4"
    tracing = "io.containerd.internal.v1.tracing"
    assert tracing in release_of(version("1.6.20")).plugins
    assert tracing not in release_of(version("1.6.20~ds1")).plugins


@pytest.mark.parametrize(
    ("text", "like", "generation"),
    [("1.8.0", "1.7.999", "1.7"), ("1.12.3", "1.7.999", "1.7"), ("2.5.0", "2.4.0", "2"), ("2.10.1-rc.1", "2.4.0", "2")],
)
def test_an_unknown_release_is_taken_for_the_newest_known(text: str, like: str, generation: str) -> None:
    unknown = version(text)
    assert release_of(unknown).keys == release_of(version(like)).keys
    assert generation_of(unknown) is Generation(generation)
    assert (
        doubt_of(unknown)
        == f"containerd {unknown} is not known: it is taken for {like[:3]}, the newest known before it"
    )


@pytest.mark.parametrize("text", ["1.6.99", "1.7.24", "2.0.0", "2.3.9", "2.4.0-beta.0"])
def test_a_patch_of_a_known_line_is_known(text: str) -> None:
    assert doubt_of(version(text)) is None


def test_1_5_is_predicted_and_not_supported() -> None:
    assert doubt_of(version("1.5.18")) == (
        "containerd 1.5.18 is no longer supported: what is said of it was not tried on nodes"
    )
    with pytest.raises(VersionError, match=r"containerd 1.5.18 is not supported: 1.6, 1.7 and 2.x are"):
        generation_of(version("1.5.18"))


@pytest.mark.parametrize("text", ["1.4.13", "3.0.0", "0.9.0"])
def test_of_another_major_nothing_is_known(text: str) -> None:
    with pytest.raises(VersionError, match=rf"containerd {text} is not supported: 1.5 to 2.x are"):
        check_major(version(text))
    assert predict(fileset(""), version(text)).cri == "ok"


@pytest.mark.parametrize("config", ["version = 2\n", "", "not TOML"])
@pytest.mark.parametrize("text", ["1.5.18", "1.8.0", "2.5.0"])
def test_there_is_never_a_silent_ok(text: str, config: str) -> None:
    [found] = [each for each in diagnose(fileset(config), version(text)) if each.code == "unknown-release"]
    assert found.blocks
    assert text in found.message
    assert ("--accept-loss unknown-release" in found.fix) is (text != "1.5.18")


def test_nothing_else_compares_versions() -> None:
    """`major`, `minor` and `patch` are read by the table alone."""
    home = Path(releases.__file__).parents[3]
    compares = re.compile(r"version\.(major|minor|patch)\b|Version\([0-9]|generation (==|is) Generation")
    rooms = ("caches", "commands", "common", "containerd", "fleet", "runbooks", "tasks")
    paths = (path for room in rooms for path in (home / room).rglob("*.py"))
    elsewhere = (path for path in paths if path.parent.name != "releases" and path.name != "versions.py")
    assert [str(path) for path in elsewhere if compares.search(path.read_text())] == []
