"""Nodes in temporary directories, one for each shell that a node may have as /bin/sh."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path

import pytest

from tests.shell.node import SHELLS, ScriptedNode


@pytest.fixture(params=SHELLS)
def node(tmp_path: Path, request: pytest.FixtureRequest) -> ScriptedNode:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed here")
    return ScriptedNode(tmp_path, request.param)


@pytest.fixture
def one_node(tmp_path: Path, request: pytest.FixtureRequest) -> ScriptedNode:
    """A node with one of the shells, for tables of cases: which one depends on the case alone."""
    present = [shell for shell in SHELLS if shutil.which(shell)]
    return ScriptedNode(tmp_path, present[zlib.crc32(request.node.name.encode()) % len(present)])
