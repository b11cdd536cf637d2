"""What to write on a node so that it uses the table's caches. Nothing is guessed: what is not understood is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from containerd import edit, expected, rules
from containerd.certs_d import HostsPlan, plan_hosts, with_awakened
from containerd.edit import Edit, Leaf
from containerd.errors import ContainerdError, NotToml, Refused
from containerd.hosts_toml import HostsRenderer
from containerd.policy import Decision, Policy, Registry, Strategy
from containerd.secrets import mask_urls
from containerd.statements import Path, parse
from containerd.tables import (
    DEFAULT_ROOT,
    NEW,
    OLD,
    Mirrors,
    config_path_of,
    dotted,
    exists,
    live_table,
    mirrors_of,
    registry_table,
    single_root,
)
from containerd.versions import Generation, Version

__all__ = ["Decision", "Policy", "Registry", "Strategy", "decide", "hosts_root"]


def hosts_root(config: str, version: Version) -> str | None:
    """The one absolute root that config_path names already, without a slash at its end; None when it is unset.

    Raises NotToml, and Refused for several roots or a relative one.
    """
    data = parse(config)
    root = single_root(config_path_of(data, registry_table(data, version)))
    return root and root.rstrip("/")


def decide(  # noqa: PLR0917 - the node first, then what is wanted of it
    config: str,
    config_file: str,
    hosts_files: Mapping[str, str],
    version: Version,
    policy: Policy,
    render: HostsRenderer,
) -> Decision:
    """Decide what to write on a node.

    `config` is the text of `config_file`, the absolute path of its config.toml (empty for a file that is not there);
    `hosts_files` maps the absolute paths of the hosts.toml files on the node to their texts; `render` writes one.
    Nodes that are alike are decided once. Raises NotToml, Refused and VersionError.
    """
    node = _Node(config, config_file, tuple(sorted(hosts_files.items())), version)
    decision = _decide(node, policy, render)
    return replace(decision, files=dict(decision.files))


@dataclass(frozen=True)
class _Node:
    """What a decision depends on; hashable, so that nodes that are alike share one."""

    config: str
    config_file: str
    hosts_files: tuple[tuple[str, str], ...]
    version: Version


@lru_cache(maxsize=256)
def _decide(node: _Node, policy: Policy, render: HostsRenderer) -> Decision:
    if policy.strategy is Strategy.SKIP:
        return _skip(node.config, node.version)
    before = node.config if parse(node.config) else _new_file(node.config, node.version)
    data = parse(before)
    table = registry_table(data, node.version)
    rules.check(data, node.version, policy.strategy, table)
    live = live_table(data, node.version)
    mirrors, root = mirrors_of(data, live), None
    hosts, present = HostsPlan({}, ()), dict(node.hosts_files)
    if policy.strategy is Strategy.CONFIG_PATH:
        root = single_root(config_path_of(data, table)) or DEFAULT_ROOT
        dormant = config_path_of(data, live).rstrip("/") != root.rstrip("/")
        hosts = plan_hosts(root, mirrors, present, policy.registries, render)
        if dormant:
            hosts = with_awakened(hosts, root, present)
    after = _edited(before, node.version, policy, table, root)
    files = hosts.changed(present)
    reason = _reason(policy.strategy, root, len(files), after != node.config)
    if after != node.config:
        files[node.config_file] = after
    notes = (*_mirror_notes(mirrors, policy), *hosts.notes, *_other_notes(data, node.version, table))
    return Decision(policy.strategy, files, root, notes, reason)


def _skip(config: str, version: Version) -> Decision:
    reason = f"strategy skip: containerd {version} keeps its configuration"
    try:
        data = parse(config)
        wildcard = mirrors_of(data, live_table(data, version)).get("*")
    except ContainerdError as error:
        wildcard, reason = None, f"{reason}, which is not understood ({error})"
    if wildcard is not None:
        reason += f", with the wildcard mirror ({mask_urls(', '.join(wildcard))}) still in use"
    return Decision(Strategy.SKIP, {}, None, (), reason)


def _new_file(config: str, version: Version) -> str:
    """A file in which nothing is set yet, with the version that this daemon reads."""
    newline = "\r\n" if "\r\n" in config else "\n"
    lead = config if not config or config.endswith("\n") else config + newline
    return f"{lead}version = {3 if version.generation is Generation.V2 else 2}{newline}"


def _edited(before: str, version: Version, policy: Policy, table: Path, root: str | None) -> str:
    """The new config.toml, proved against what it must say and against a second pass."""
    data = parse(before)
    after = edit.apply(before, _edit(before, version, policy, table, root))
    wanted = expected.registry_data(data, version, policy, table, root)
    try:
        understood = expected.same(parse(after), wanted, version, table)
        steady = edit.apply(after, _edit(after, version, policy, table, root)) == after
    except NotToml:
        understood = steady = False
    if not (understood and steady):
        raise Refused("this file's shape is not understood: write the registry as a [table] and run again")
    return after


def _edit(text: str, version: Version, policy: Policy, table: Path, root: str | None) -> Edit:
    data = parse(text)
    drop = _leftovers(data, version, table)
    if root is not None:
        is_set = bool(config_path_of(data, table))
        return Edit(table, ((*table, "mirrors"), *drop), () if is_set else (Leaf((*table, "config_path"), root),))
    present = mirrors_of(data, table)
    leaves = tuple(
        Leaf((*table, "mirrors", registry.name, "endpoint"), registry.endpoints)
        for registry in policy.registries
        if present.get(registry.name) != registry.endpoints
    )
    return Edit(table, ((*table, "mirrors", "*"), *drop), leaves)


def _leftovers(data: Mapping[str, Any], version: Version, table: Path) -> tuple[Path, ...]:
    """What is to go under the plugin id that is not the one: all of the old id's table when the new id's is read."""
    if version.generation is not Generation.V2:
        return ()
    other = ((*NEW, "mirrors"), (*NEW, "config_path")) if table == OLD else (OLD,)
    return tuple(path for path in other if exists(data, path))


def _mirror_notes(mirrors: Mirrors, policy: Policy) -> tuple[str, ...]:
    table = {registry.name: registry.endpoints for registry in policy.registries}
    notes = []
    for name, endpoints in mirrors.items():
        said = mask_urls(f'mirrors."{name}" ({", ".join(endpoints) or "no endpoint"})')
        if name == "*":
            notes.append(f"{said} is removed: registries outside the table are pulled from their upstream")
        elif name in table and endpoints != table[name]:
            notes.append(f"{said} is replaced by the table's cache ({', '.join(table[name])})")
    return tuple(notes)


def _other_notes(data: Mapping[str, Any], version: Version, table: Path) -> Iterator[str]:
    for path in _leftovers(data, version, table):
        yield f"{dotted(path)} is removed: containerd 2.x reads {dotted(table)} in this file"
    hosts = rules.tls_hosts(data, table)
    if hosts and version.generation is Generation.V2:
        yield f"configs.*.tls ({', '.join(hosts)}) stays, but containerd 2.x ignores it"


def _reason(strategy: Strategy, root: str | None, hosts: int, config_changes: bool) -> str:
    if not hosts and not config_changes:
        return f"already as planned (strategy {strategy.value})"
    if strategy is Strategy.MIRRORS:
        return "one mirror for each registry of the table: config.toml"
    parts = ["config.toml"] if config_changes else []
    parts += [f"{hosts} hosts.toml"] if hosts else []
    return f"config_path {root}: {' and '.join(parts)}"
