"""When a config.toml must not be changed. Each refusal says what is in the way, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from containerd.errors import Refused
from containerd.policy import Strategy
from containerd.statements import Path
from containerd.tables import NEW, OLD, config_path_of, dotted, file_version, mirrors_of, single_root, table_at
from containerd.versions import Generation, Version

_MIRRORS_ALONE_FAIL = (Version(2, 2, 0, ""), Version(2, 2, 1, ""))


def check(data: Mapping[str, Any], version: Version, strategy: Strategy, table: Path) -> None:
    """Raise Refused when the strategy cannot be applied to this file on this version of containerd."""
    _check_file_version(data, version)
    _check_leftovers(data, version)
    mirrors_of(data, table)
    if strategy is Strategy.CONFIG_PATH:
        single_root(config_path_of(data, table))
        _check_tls(data, version, table)
    if strategy is Strategy.MIRRORS:
        _check_mirrors(data, version, table)


def tls_hosts(data: Mapping[str, Any], table: Path) -> tuple[str, ...]:
    """The hosts of a registry table's `configs` that have a `tls` table, be it empty."""
    path = (*table, "configs")
    return tuple(host for host in table_at(data, path) if "tls" in table_at(data, (*path, host)))


def _check_file_version(data: Mapping[str, Any], version: Version) -> None:
    found = file_version(data)
    if found < 2:
        absent = "has no `version`, which means version 1" if "version" not in data else f"is version {found}"
        raise Refused(
            f"config.toml {absent}: adding a version would change what else in it is read. Convert it by hand to "
            "version 2, where plugins have names like io.containerd.grpc.v1.cri, and run again"
        )
    if version.generation is not Generation.V2 and found > 2:
        raise Refused(
            f"config.toml is version {found}, which containerd {version} does not read: write it as version 2"
        )


def _check_leftovers(data: Mapping[str, Any], version: Version) -> None:
    """From version 3 on a table under the old id is dead, until containerd 2.3 lets it replace the new id's."""
    if version.generation is not Generation.V2 or file_version(data) < 3:
        return
    kept = [key for key, value in table_at(data, OLD).items() if key not in {"mirrors", "config_path"} and value]
    if kept:
        raise Refused(
            f"{dotted(OLD)} in a version 3 file is ignored by containerd 2.0 to 2.2, and replaces the real one on 2.3. "
            f"It has more than mirrors ({', '.join(kept)}): move that to {dotted(NEW)}, or delete it"
        )


def _check_tls(data: Mapping[str, Any], version: Version, table: Path) -> None:
    hosts = tls_hosts(data, table)
    if hosts and version.generation is not Generation.V2:
        raise Refused(
            f"configs.*.tls ({', '.join(hosts)}) beside config_path makes the CRI plugin of containerd {version} fail: "
            "move TLS into those hosts' hosts.toml (ca, client, skip_verify), delete the tls tables, and run again"
        )


def _check_mirrors(data: Mapping[str, Any], version: Version, table: Path) -> None:
    if config_path := config_path_of(data, table):
        raise Refused(
            f'strategy mirrors: config_path = "{config_path}" is set, and the CRI plugin fails with both: '
            "use the strategy config_path on this node, or remove config_path first"
        )
    if version in _MIRRORS_ALONE_FAIL:
        raise Refused(
            f"strategy mirrors: containerd {version} fails with any mirrors (containerd #12612): "
            "use the strategy config_path on this node, or upgrade to 2.2.2"
        )
