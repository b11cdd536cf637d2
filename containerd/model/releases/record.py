"""What is known of one release of containerd, and how a row of the table changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from containerd.model.go_types import DURATION, Fields, GoType, ListOf, MapOf, Scalar, Struct

CRI = "io.containerd.grpc.v1.cri"
IMAGES = "io.containerd.cri.v1.images"
RUNTIME = "io.containerd.cri.v1.runtime"

Number = tuple[int, int, int]


@dataclass(frozen=True)
class HostsFile:
    """What a release makes of a hosts.toml; what it has not, it ignores, except for the two that refuse the file.

    `server_alone`: a file without any `[host]` is read; without it the whole file is refused (containerd #10027).
    `referrers`: a capability; without it the whole file is refused.
    """

    override_path: bool = False
    dial_timeout: bool = False
    server_alone: bool = False
    referrers: bool = False


@dataclass(frozen=True)
class Release:
    """One release: what it reads, how it merges, its types, what it has built in, and what it requires.

    `config_version`: the newest `version` of a config.toml that it reads.
    `checks_config_version`: it ends over a newer one, instead of reading it.
    `merge`: an imported file's plugin table replaces the one before it ("plugins replaced", containerd #5837); all
    files are merged and the whole is migrated ("whole migrated", containerd #12891); or each is migrated first.
    `refuses_newer_imports`: an imported file may have no newer `version` than the main one.
    `short_names`: what becomes of `plugins.cri` in a file without `version`.
    `toml`: the parser. `durations`: what it reads as a duration.
    `built_in_config_path`: whether config_path has a value of its own: before any file is read (containerd #12612), or
    only where neither it nor a mirror is set.
    `pull_path`: how CRI pulls by default; the transfer service reads one root of config_path alone (containerd #12808).
    `listeners_are_plugins`: addresses are settings of `io.containerd.server.v1.*`.
    `adds_runtimes`: a table of runtimes is added to the built-in runc, and does not replace it.
    `strict_plugins`: a snapshotter that is configured and does not load ends CRI, used or not; two content
    stores do, too.
    `nri_by_default`: NRI runs unless it is disabled. `tracing_by_file`: an endpoint for traces can be a setting.
    """

    number: Number
    config_version: int
    checks_config_version: bool
    merge: Literal["plugins replaced", "whole migrated", "each migrated"]
    refuses_newer_imports: bool
    globs_from_importer: bool
    short_names: Literal["read", "ignored", "migrated"]
    checks_plugin_prefix: bool
    toml: Literal["go-toml 1", "go-toml 2", "go-toml 2.4"]
    durations: Scalar
    registry_plugin: str
    registry_tls: bool
    built_in_config_path: Literal["no", "before files", "where unset"]
    pull_path: Literal["client", "transfer"]
    hosts: HostsFile
    names_cni_bin_dirs: bool
    listeners_are_plugins: bool
    adds_runtimes: bool
    empty_snapshotter_is_default: bool
    strict_plugins: bool
    checks_device_flags: bool
    nri_by_default: bool
    tracing_by_file: bool
    health: tuple[tuple[str, str], ...]
    proxy_types: Mapping[str, str] = field(repr=False)
    keys: Mapping[str, Fields] = field(repr=False)
    plugins: frozenset[str] = field(repr=False)
    needed: frozenset[str] = field(repr=False)

    @property
    def go_toml(self) -> int:
        """The major version of its parser."""
        return 1 if self.toml == "go-toml 1" else 2

    @property
    def reads_both_ids(self) -> bool:
        """Whether it reads CRI's tables under the ids of 1.x and of 2.x, and has a plugin for each part of CRI."""
        return self.registry_plugin == IMAGES

    @cached_property
    def config(self) -> Struct:
        """The type of a whole config.toml."""
        return _struct(ref("config.Config"), self)

    @cached_property
    def plugin_types(self) -> Mapping[str, Struct]:
        """What each plugin that takes a configuration decodes, by its URI."""
        return {name: _struct(ref(name), self) for name in self.keys if name.startswith("io.containerd.")}

    def has(self, plugin: str, key: str) -> bool:
        """Whether a plugin of this release decodes a key."""
        return key in self.keys.get(plugin, {})


@dataclass(frozen=True)
class Row:
    """What came with one release: of a release line's first, or of a patch of it.

    A patch's row holds for its own line; the first release of the next line repeats what it has of it.
    `keys` and `gone` are by the name of a plugin or of a Go struct, `plugins` and `needed` (by CRI) are URIs.
    `measured`: a real daemon was asked; else it was read in containerd's source or notes alone.
    `build`: the row is that of a distribution's build, which has this in its version's text.
    """

    since: Number
    source: str
    keys: Mapping[str, Fields] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    plugins: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    facts: Callable[[Release], Release] = lambda release: release
    measured: bool = True
    build: str = ""

    def applied(self, before: Release) -> Release:
        """The release with what this row changes."""
        keys = {name: dict(fields) for name, fields in before.keys.items()}
        for name, names in self.gone.items():
            for key in names.split():
                del keys[name][key]
        for name, fields in self.keys.items():
            keys[name] = {**keys.get(name, {}), **fields}
        keys = {name: fields for name, fields in keys.items() if name not in self.without}
        plugins = (before.plugins | self.plugins | self.needed) - self.without
        needed = (before.needed | self.needed) - self.without
        return replace(self.facts(before), number=self.since, keys=keys, plugins=plugins, needed=needed)


def uris(text: str) -> frozenset[str]:
    """The URIs of plugins, from lines of a type and the ids that it has."""
    lines = (line.split() for line in text.splitlines())
    return frozenset(f"io.containerd.{words[0]}.{name}" for words in lines if words for name in words[1:])


def ref(name: str) -> Struct:
    """A Go struct of the table, by its name."""
    return Struct(name, {})


def _resolved(type_: GoType, release: Release) -> GoType:
    """The type with the fields that this release has, and its durations."""
    if isinstance(type_, ListOf):
        return ListOf(_resolved(type_.item, release))
    if isinstance(type_, MapOf):
        return MapOf(_resolved(type_.value, release))
    if isinstance(type_, Struct):
        return _struct(type_, release)
    return release.durations if type_ == DURATION else type_


def _struct(struct: Struct, release: Release) -> Struct:
    fields = release.keys.get(struct.name, struct.fields)
    return Struct(struct.name, {key: _resolved(type_, release) for key, type_ in fields.items()})
