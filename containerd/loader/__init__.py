"""What a containerd makes of files: which it loads, how it merges them, whether CRI comes up."""

from __future__ import annotations

from containerd.loader.decode import is_duration, is_url, lookup, seconds_of, type_mismatch
from containerd.loader.dialects import agrees, knows_table, read_toml, readings
from containerd.loader.imports import imported, wanted
from containerd.loader.merged import Merged, has_built_in_config_path, merge
from containerd.loader.migrations import TO_SERVER
from containerd.loader.names import as_read, doubles, spelled
from containerd.loader.prediction import Prediction, named_files, predict, predict_merged
from containerd.loader.provenance import has_registry_types, place_of_type_error, registry_path, registry_places, winner
from containerd.loader.settings import (
    BUILT_IN_CONFIG_PATH,
    Directories,
    Settings,
    config_path_in_effect,
    directories,
    hosts_roots,
    registry_of,
)
from containerd.loader.trees import Leaf, Node, Table, place_of, plain, planted

__all__ = [
    "BUILT_IN_CONFIG_PATH",
    "TO_SERVER",
    "Directories",
    "Leaf",
    "Merged",
    "Node",
    "Prediction",
    "Settings",
    "Table",
    "agrees",
    "as_read",
    "config_path_in_effect",
    "directories",
    "doubles",
    "has_built_in_config_path",
    "has_registry_types",
    "hosts_roots",
    "imported",
    "is_duration",
    "is_url",
    "knows_table",
    "lookup",
    "merge",
    "named_files",
    "place_of",
    "place_of_type_error",
    "plain",
    "planted",
    "predict",
    "predict_merged",
    "read_toml",
    "readings",
    "registry_of",
    "registry_path",
    "registry_places",
    "seconds_of",
    "spelled",
    "type_mismatch",
    "wanted",
    "winner",
]
