"""Where registry settings are in configuration files, and which of them hold."""

from __future__ import annotations

from containerd.config.effective import Overview, effective_registry, overview, registry_mismatch
from containerd.config.sources import Source, Sources, load_sources, source_of, versioned
from containerd.config.tables import (
    DEFAULT_ROOT,
    NEW,
    OLD,
    SHORT,
    Mirrors,
    config_path_of,
    dotted,
    file_version,
    mirrors_of,
    single_root,
    table_at,
)

__all__ = [
    "DEFAULT_ROOT",
    "NEW",
    "OLD",
    "SHORT",
    "Mirrors",
    "Overview",
    "Source",
    "Sources",
    "config_path_of",
    "dotted",
    "effective_registry",
    "file_version",
    "load_sources",
    "mirrors_of",
    "overview",
    "registry_mismatch",
    "single_root",
    "source_of",
    "table_at",
    "versioned",
]
