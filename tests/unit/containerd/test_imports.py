from __future__ import annotations

import pytest

from containerd.loader.imports import loaded_files, matches
from containerd.model import MAIN, Dead, FileSet
from tests.unit.containerd.samples import version


def loaded(runs: str, **texts: str) -> list[str]:
    files = {f"/etc/containerd/{path}": text for path, text in texts.items()}
    found = loaded_files(FileSet(MAIN, {MAIN: files.pop("/etc/containerd/main"), **files}), version(runs))
    return [file.path.removeprefix("/etc/containerd/") for file in found]


DROPINS = {"conf.d/b.toml": "", "conf.d/a.toml": "", "conf.d/.c.toml": "", "conf.d/d.tml": "", "x.toml": ""}


@pytest.mark.parametrize(
    ("imports", "paths"),
    [
        ('"/etc/containerd/conf.d/*.toml"', ["conf.d/.c.toml", "conf.d/a.toml", "conf.d/b.toml"]),
        ('"conf.d/*.toml"', ["conf.d/.c.toml", "conf.d/a.toml", "conf.d/b.toml"]),
        ('"./x.toml"', ["x.toml"]),
        ('"/etc//containerd/conf.d/../x.toml"', ["x.toml"]),
        ('"conf.d/b.toml", "conf.d/a.toml", "conf.d/b.toml"', ["conf.d/b.toml", "conf.d/a.toml"]),
        ('"/nowhere/*.toml"', []),
        ('"conf.d/[ab]*"', ["conf.d/a.toml", "conf.d/b.toml"]),
        ('"conf.d/[^a.]*"', ["conf.d/b.toml", "conf.d/d.tml"]),
        ('"conf.d/?.*"', ["conf.d/a.toml", "conf.d/b.toml", "conf.d/d.tml"]),
        ('"*/a.toml"', ["conf.d/a.toml"]),
        ('"config.toml"', []),
        ('"*[x"', []),
    ],
)
@pytest.mark.parametrize("runs", ["1.7.24", "2.1.9", "2.3.4"])
def test_the_order_of_what_is_loaded(runs: str, imports: str, paths: list[str]) -> None:
    assert loaded(runs, main=f"imports = [{imports}]\n", **DROPINS) == ["config.toml", *paths]


def test_imports_of_imports_come_after_all_of_their_parents() -> None:
    texts = {
        "main": 'imports = ["a/1.toml", "b.toml"]\n',
        "a/1.toml": 'imports = ["2.toml", "../b.toml"]\n',
        "a/2.toml": 'imports = ["../config.toml"]\n',
        "b.toml": "",
    }
    assert loaded("2.1.9", **texts) == ["config.toml", "a/1.toml", "b.toml", "a/2.toml"]


@pytest.mark.parametrize(
    ("runs", "found"),
    [("1.6.28", False), ("1.6.29", True), ("1.7.13", False), ("1.7.14", True), ("2.0.0", True), ("1.5.18", False)],
)
def test_a_relative_pattern_was_relative_to_the_working_directory(runs: str, found: bool) -> None:
    paths = ["config.toml", *(["conf.d/a.toml"] if found else [])]
    assert loaded(runs, **{"main": 'imports = ["conf.d/*.toml"]\n', "conf.d/a.toml": ""}) == paths


@pytest.mark.parametrize("imports", ['"/nowhere.toml"', '"conf.d"', '"con*"', '"["', '""'])
def test_what_the_daemon_does_not_start_on(imports: str) -> None:
    with pytest.raises(Dead):
        loaded("2.1.9", main=f"imports = [{imports}]\n", **DROPINS)


def test_nothing_is_imported_without_a_main_file() -> None:
    assert loaded_files(FileSet(MAIN, {"/etc/containerd/conf.d/a.toml": "bad"}), version("2.2.7")) == ()


PATHS = ("/a/*", "/a/-", "/a/[", "/a/b", "/a/c/d")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/a/*", ["/a/*", "/a/-", "/a/[", "/a/b"]),
        ("/a/\\*", ["/a/*"]),
        ("/a/[*]", ["/a/*"]),
        ("/a/[a-c]", ["/a/b"]),
        ("/a/[^a-c*]", ["/a/-", "/a/["]),
        ("/*/[", []),
        ("/a/*[", []),
        ("/a/*\\", []),
        ("/a/[z-a]", []),
    ],
)
def test_patterns(pattern: str, found: list[str]) -> None:
    assert matches(pattern, PATHS) == found


@pytest.mark.parametrize("pattern", ["/a/[*", "/a/[]]*", "/a/\\"])
def test_what_is_malformed_before_the_first_star(pattern: str) -> None:
    with pytest.raises(Dead, match="syntax error in pattern"):
        matches(pattern, PATHS)


NAME = "a" * 200


# Tried at every place where they may end, five stars take minutes, in which the interpreter does nothing else.
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*a" * 50 + "*b", False),
        ("*a" * 50 + "*", True),
        ("*" * 100_000, True),
        ("*?" * 201, False),
        ("*?" * 200, True),
        ("*[a-c]" * 20 + "*[^a]*", False),
        ("a*aa*a", True),
    ],
)
def test_stars_take_time_in_proportion_to_their_number(pattern: str, *, found: bool) -> None:
    assert matches(f"/{pattern}", [f"/{NAME}"]) == [f"/{NAME}"] * found
