"""What an edited config.toml must say: computed on plain data, with no knowledge of how the text is edited."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from containerd.policy import Policy
from containerd.statements import Path
from containerd.tables import NEW, OLD
from containerd.versions import Generation, Version


def registry_data(
    data: Mapping[str, Any], version: Version, policy: Policy, table: Path, root: str | None
) -> dict[str, Any]:
    """The data of a file after the change: with `root` as its config_path, or with the policy's mirrors."""
    wanted = deepcopy(dict(data))
    registry = _descend(wanted, table)
    if root is not None:
        registry.pop("mirrors", None)
        registry["config_path"] = root
    else:
        mirrors = registry.setdefault("mirrors", {})
        mirrors.pop("*", None)
        for row in policy.registries:
            mirrors.setdefault(row.name, {})["endpoint"] = list(row.endpoints)
    if version.generation is Generation.V2:
        _clear(wanted, NEW if table == OLD else OLD)
    return wanted


def same(found: Mapping[str, Any], wanted: Mapping[str, Any], version: Version, table: Path) -> bool:
    """Whether two files say the same, but for empty tables that are left of, or gone with, what was removed."""
    emptied = [table]
    if version.generation is Generation.V2:
        emptied = [OLD, NEW]
    return _canonical(found, emptied) == _canonical(wanted, emptied)


def _clear(data: dict[str, Any], other: Path) -> None:
    plugin = data.get("plugins", {}).get(other[1], {})
    if "registry" not in plugin:
        return
    for key in ("mirrors", "config_path"):
        plugin["registry"].pop(key, None)
    if other == OLD and data["version"] >= 3:
        del plugin["registry"]


def _canonical(data: Mapping[str, Any], emptied: list[Path]) -> str:
    copy = deepcopy(dict(data))
    for plugins, plugin, registry in emptied:
        tables = copy.get(plugins, {})
        below = tables.get(plugin, {})
        if below.get(registry) == {}:
            del below[registry]
        if below == {}:
            tables.pop(plugin, None)
    if copy.get("plugins") == {}:
        del copy["plugins"]
    return json.dumps(copy, sort_keys=True, default=str)


def _descend(data: dict[str, Any], path: Path) -> dict[str, Any]:
    for key in path:
        data = data.setdefault(key, {})
    return data
