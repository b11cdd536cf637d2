"""TOML as text: statements, lossless edits, and what the parsers of containerd read."""

from __future__ import annotations

from containerd.toml.edit import Edit, Leaf, apply_edit
from containerd.toml.go_toml_1 import read_go_toml_1
from containerd.toml.go_toml_2 import Inline, Unfit, read_go_toml_2
from containerd.toml.go_toml_seen import Keys
from containerd.toml.go_toml_values import MOMENT, NotRead
from containerd.toml.statements import Path, basic_string, parse, quoted, split

__all__ = [
    "MOMENT",
    "Edit",
    "Inline",
    "Keys",
    "Leaf",
    "NotRead",
    "Path",
    "Unfit",
    "apply_edit",
    "basic_string",
    "parse",
    "quoted",
    "read_go_toml_1",
    "read_go_toml_2",
    "split",
]
