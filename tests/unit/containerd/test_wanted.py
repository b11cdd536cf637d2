from __future__ import annotations

import pytest

from containerd.loader import wanted
from containerd.model import FileSet
from tests.unit.containerd.samples import CONFIG, fileset

PATTERN = "/etc/containerd/conf.d/*.toml"


@pytest.mark.parametrize(
    "text",
    [
        f'imports = ["{PATTERN}"]\n',
        'imports = ["conf.d/*.toml"]\n',
        f'Imports = ["{PATTERN}"]\n',
        f'IMPORTS = ["{PATTERN}"]\n',
        f'imports = ["{PATTERN}"]\nnote = "a\\/b"\n',
        f'imports = ["{PATTERN}"]\n[note]\na = {{\n  b = 1\n}}\n',
        f'imports = ["{PATTERN}"]\nnote = .5\n',
        f'\ufeffimports = ["{PATTERN}"]\n',
        f'imports = ["{PATTERN}"]\n[note]\na.b = 1\n[note.a]\n',
        f'imports = ["{PATTERN}"]\n[{".".join(["a"] * 1500)}]\n',
    ],
)
def test_what_any_containerd_imports_is_wanted(text: str) -> None:
    assert wanted(fileset(text)) == (PATTERN,)


@pytest.mark.parametrize("text", ["", "version = 2\n", "imports = 1\n", "imports = [1]\n", 'imports = ["', "<html>"])
def test_nothing_is_wanted(text: str) -> None:
    assert wanted(fileset(text)) == ()


def test_what_was_read_already_is_not_wanted_again() -> None:
    files = FileSet(CONFIG, {CONFIG: 'imports = ["/a.toml", "b.toml"]\n', "/a.toml": 'Imports = ["/c.toml"]\n'})
    assert wanted(files) == ("/etc/containerd/b.toml", "/c.toml")
