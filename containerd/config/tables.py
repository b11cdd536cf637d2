"""Where a config.toml keeps its registry table, and what that table says.

"Old" and "new" are the plugin ids of containerd 1.x and 2.x. A 2.x daemon reads both. "Short" is the name that the old
one has in files without a `version`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from containerd.model import Refused, clean
from containerd.toml import Path

SHORT: Path = ("plugins", "cri", "registry")
OLD: Path = ("plugins", "io.containerd.grpc.v1.cri", "registry")
NEW: Path = ("plugins", "io.containerd.cri.v1.images", "registry")
DEFAULT_ROOT = "/etc/containerd/certs.d"

Mirrors = dict[str, tuple[str, ...]]


def file_version(data: Mapping[str, Any]) -> int:
    """The file's `version`; a file without one is version 1. Raises Refused when it is not a whole number."""
    version = data.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise Refused("`version` is not a whole number", "correct it", code="wrong-type", key=("version",))
    return version


def table_at(data: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The table at a path, empty when there is none. Raises Refused when something else is there."""
    table: Any = data
    for depth, key in enumerate(path, 1):
        table = table.get(key, {})
        if not isinstance(table, Mapping):
            raise Refused(
                f"{dotted(path[:depth])} is not a table",
                "containerd does not read this file, correct it",
                code="wrong-type",
                key=path[:depth],
            )
    return table  # type: ignore[no-any-return]


def exists(data: Mapping[str, Any], path: Path) -> bool:
    """Whether there is something at a path."""
    return path[-1] in table_at(data, path[:-1])


def mirrors_of(data: Mapping[str, Any], table: Path) -> Mirrors:
    """The mirrors of a registry table, in the file's order. Raises Refused when they are not what containerd reads."""
    entries = table_at(data, (*table, "mirrors"))
    return {name: _endpoints(data, (*table, "mirrors", name)) for name in entries}


def config_path_of(data: Mapping[str, Any], table: Path) -> str:
    """The config_path of a registry table, empty when unset. Raises Refused when it is not a string."""
    value = table_at(data, table).get("config_path", "")
    if not isinstance(value, str):
        key = (*table, "config_path")
        raise Refused(f"{dotted(key)} is not a string", "correct it", code="wrong-type", key=key)
    return value


def single_root(config_path: str, present: Collection[str] = ()) -> str | None:
    """The one absolute root that a config_path names, None when it is empty; `present` are the files of the node.

    Raises Refused for several roots, which the default pull path of containerd 2.1+ does not honour
    (containerd #12808), and for a relative one.
    """
    if not config_path:
        return None
    if ":" in config_path:
        others = [root.rstrip("/") + "/" for root in config_path.split(":")[1:] if root.strip("/")]
        found = sorted(path for path in present if path.endswith("/hosts.toml") and path.startswith(tuple(others)))
        which = f" ({', '.join(found)})" if found else ""
        raise Refused(
            f'config_path = "{config_path}" names several roots, which 2.1 and later do not read (containerd #12808)',
            f'move the hosts.toml files{which} into one root and set config_path = "{DEFAULT_ROOT}"',
            code="multi-root-config-path",
        )
    if not config_path.startswith("/") or clean(config_path) == "/" or not config_path.isprintable():
        shown = json.dumps(config_path, ensure_ascii=False)
        problem = f"config_path = {shown} is not an absolute directory"
        raise Refused(problem, f'set it to "{DEFAULT_ROOT}"', code="config-path-not-absolute")
    return config_path


def dotted(path: Path) -> str:
    """A path as an operator writes it."""
    return ".".join(key if key.replace("_", "").isalnum() else f'"{key}"' for key in path)


def _endpoints(data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    endpoints = table_at(data, path).get("endpoint", [])
    if not isinstance(endpoints, list) or not all(isinstance(endpoint, str) for endpoint in endpoints):
        raise Refused(
            f"{dotted(path)}.endpoint is not a list of strings",
            "containerd does not start with it, correct it",
            code="wrong-type",
            key=(*path, "endpoint"),
        )
    return tuple(endpoints)
