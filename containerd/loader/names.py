"""How a daemon finds its settings by their names: the one place that knows of upper and lower case.

A key of a map (a plugin, a registry, a runtime, a host) has the case that it is written in. A field of a struct is
found by go-toml 1 in its own spelling or in capitals, and by go-toml 2 in any case, where several spellings are one
setting: tables are merged, and of values the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from containerd.loader.decode import type_mismatch
from containerd.loader.dialects import is_strict
from containerd.loader.schema import id_of, plugin_types, server_config
from containerd.loader.trees import Node, Table, plain
from containerd.model import ANY, CRI, IMAGES, GoType, MapOf, Scalar, Struct, Version, release_of
from containerd.toml import Path


def named_file(data: Table, version: Version) -> Table:
    """The tree of a file with the daemon's own names for the settings of the server itself."""
    named = _named(data, server_config(version), version)
    return named if isinstance(named, Table) else data


def named_plugins(plugins: Table, version: Version, *, short: bool) -> None:
    """Give the settings of every plugin the daemon's own names; `short`: plugins go by their ids."""
    for uri, type_ in plugin_types(version).items():
        name = id_of(uri) if short else uri
        if name in plugins:
            plugins[name] = _decoded(plugins[name], type_, version)


def _decoded(plugin: Node, type_: GoType, version: Version) -> Node:
    """What a plugin decodes of its table; the table itself where that has a value of another type in any spelling."""
    go_toml = release_of(version).go_toml
    if go_toml == 1:
        return _named(plugin, type_, version)
    if not is_strict(version):
        plugin = _without_left_alone(plugin, type_)
    return plugin if type_mismatch(type_, plain(plugin), go_toml) else _named(plugin, type_, version, marshalled=True)


def as_read(file: Table, version: Version) -> Table:
    """The tree of one file by itself, with the daemon's own names wherever it will look for one.

    Of an old CRI table 2.x moves `registry`, in that case only, before it decodes what is in it.
    """
    tree = named_file(file, version).copy()
    plugins = tree.table("plugins")
    if release_of(version).go_toml == 1:
        named_plugins(plugins, version, short=False)
        named_plugins(plugins, version, short=True)
        return tree
    for uri, type_ in plugin_types(version).items():
        if uri in plugins and uri != CRI:
            plugins[uri] = _named(plugins[uri], type_, version)
    for name in (CRI, id_of(CRI)):
        table = plugins.table(name)
        if "registry" in table:
            table["registry"] = _named(table["registry"], plugin_types(version)[IMAGES].fields["registry"], version)
    return tree


def spelled(tree: Table, path: Path) -> Path:
    """A path by the daemon's names as the file has it, as far as the file has it."""
    node: Node = tree
    for depth, key in enumerate(path):
        child = node.get(key) if isinstance(node, Table) else None
        if child is None:
            return (*node.path, *path[depth:])
        node = child
    return node.path


def _named(node: Node, type_: GoType, version: Version, *, marshalled: bool = False) -> Node:
    """A table with the names of a type; `marshalled`: 2.x decodes plugins from a copy, in which keys are sorted."""
    if not isinstance(node, Table) or not isinstance(type_, Struct | MapOf):
        return node
    entries: dict[str, Node] = {}
    for key in _order(node, marshalled=marshalled):
        name, child_type = _field(key, type_, node, version)
        child = _named(node[key], child_type, version, marshalled=marshalled)
        entries[name] = _both(entries[name], child) if name in entries else child
    names = dict.fromkeys(_field(key, type_, node, version)[0] for key in node)
    return Table(node.file, node.path, {name: entries[name] for name in names if name in entries})


def _order(table: Table, *, marshalled: bool) -> Iterable[str]:
    return sorted(table, key=lambda key: (isinstance(table[key], Table), key)) if marshalled else table


def _field(key: str, type_: Struct | MapOf, table: Table, version: Version) -> tuple[str, GoType]:
    if isinstance(type_, MapOf):
        return key, type_.value
    name = key.lower()
    if release_of(version).go_toml == 1 and (key != name.upper() or name in table):
        name = key
    return (name, type_.fields[name]) if name in type_.fields else (key, ANY)


def _both(one: Node, other: Node) -> Node:
    """Two spellings of one setting."""
    if not isinstance(one, Table) or not isinstance(other, Table):
        return other
    merged = Table(one.file, one.path, one)
    for key, node in other.items():
        merged[key] = _both(merged[key], node) if key in merged else node
    return merged


def _without_left_alone(node: Node, type_: GoType) -> Node:
    """Take out what keeps its default: up to go-toml 2.3 an empty table is nothing to a string or a number."""
    if not isinstance(node, Table) or not isinstance(type_, Struct | MapOf):
        return node
    left = Table(node.file, node.path)
    for key, child in node.items():
        below = type_.value if isinstance(type_, MapOf) else type_.fields.get(key.lower(), ANY)
        if not (isinstance(below, Scalar) and below is not ANY and isinstance(child, Table) and not child):
            left[key] = _without_left_alone(child, below)
    return left


def doubles(file: Table, version: Version) -> list[tuple[Path, Path]]:
    """The settings of the server and of the registry that a file of 2.x has in two spellings, both of which count."""
    if release_of(version).go_toml == 1:
        return []
    plugins, registry = named_file(file, version).table("plugins"), plugin_types(version)[IMAGES].fields["registry"]
    images = Struct("", {"registry": registry})
    found = [*_doubles(file, server_config(version)), *_doubles(plugins.table(IMAGES), images)]
    for name in (CRI, id_of(CRI)):
        found += _doubles(plugins.table(name).table("registry"), registry)
    return found


def _doubles(table: Table, type_: GoType) -> list[tuple[Path, Path]]:
    found: list[tuple[Path, Path]] = []
    first: dict[str, Path] = {}
    for key, node in table.items():
        name = key.lower() if isinstance(type_, Struct) else key
        below = type_.fields.get(name) if isinstance(type_, Struct) else getattr(type_, "value", None)
        if below is not None and first.setdefault(name, node.path) != node.path:
            found.append((first[name], node.path))
        if below is not None and isinstance(node, Table):
            found += _doubles(node, below)
    return found
