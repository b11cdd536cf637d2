"""Where the TLS settings of config.toml go: to each server in a hosts.toml that was contacted with them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from common import DOCKER_NAMES, Finding, Severity
from containerd.config import Mirrors, load_sources
from containerd.hosts.existing import Site, Target
from containerd.hosts.hosts_toml import NO_TLS, HostsToml, Tls, host_of, is_local, upstream_of, with_scheme
from containerd.hosts.reading import read_hosts
from containerd.model import ContainerdError, Disposition, FileSet, Refused, Version, clean

TlsTables = Mapping[str, Mapping[str, Any]]

_PLACES = {"insecure_skip_verify": "skip_verify", "ca_file": "ca", "cert_file": "client", "key_file": "client"}
_DOCKER = "registry-1.docker.io"


def tls_files(files: FileSet, version: Version) -> frozenset[str]:
    """Return the files that hosts.toml files name, and those that TLS settings in effect would have them name."""
    named: set[str] = set()
    for path, text in files.texts.items():
        if posixpath.basename(path) == "hosts.toml":
            named.update(read_hosts(text, path, version).named)
    try:
        for host, table in load_sources(files, version).tls.items():
            tls = _read(host, table)
            named.update((*tls.ca, *(name for pair in tls.client for name in pair)))
    except ContainerdError:
        return frozenset(named)  # no hosts.toml is written from files that are refused
    return frozenset(named)


class Placing:
    """The hosts.toml files as they get their TLS, and what became of each key of `configs.<host>.tls`."""

    def __init__(self, site: Site, mirrors: Mirrors, targets: Mapping[str, Target]) -> None:
        self.site = site
        self.mirrors = mirrors
        self.targets = dict(targets)
        self.names: dict[str, list[str]] = {}
        self.paths: set[str] = set()
        self.dispositions: dict[tuple[str, str], Disposition] = {}
        self.findings: list[Finding] = []
        self.losses: list[Finding] = []

    def place(self, tables: TlsTables) -> None:
        """Put the TLS of every host on the entries and servers that are that host; `mirrors` say what was contacted."""
        if tables:
            self._take_in_others()
        for name in self.targets:
            self._index(name)
        for host, table in tables.items():
            self._place(host, table, _read(host, table))

    def _index(self, name: str) -> None:
        """Remember a target by its path, and by the hosts that it names."""
        target = self.targets[name]
        self.paths.add(target.path)
        urls = (*(entry.url for entry in target.file.hosts), target.file.server)
        for host in dict.fromkeys(host_of(url) for url in urls if url):
            self.names.setdefault(host, []).append(name)

    def _take_in_others(self) -> None:
        """The files of ours that are not planned anew may need TLS too."""
        planned = {target.path for target in self.targets.values()}
        for path in self.site.below():
            if path not in planned and (own := self.site.own(path)):
                self.targets[path] = Target(path, own)

    def _place(self, host: str, table: Mapping[str, Any], tls: Tls) -> None:
        if tls != NO_TLS and _named_over_tls(host, self.mirrors):
            self._add_home(host)
        homes = []
        for name in self.names.get(host, ()):
            target = self.targets[name]
            if tls != NO_TLS and target.kept is None and (slots := _slots(target.file, host)):
                self.targets[name] = replace(target, file=_fitted(target.file, host, tls))
                homes += [f"{target.path}: {slot}" for slot in slots]
        gone = Disposition("removed", "says what containerd does anyway")
        if tls != NO_TLS:
            gone = self._moved(host, homes) if homes else self._homeless(host)
        for key in table:
            self.dispositions[host, key] = _fate(key, table, gone, homes)
        self._check_pair(host, table)

    def _add_home(self, host: str) -> None:
        """A registry that is asked directly gets a file of its own, where it has none yet."""
        registry = "docker.io" if host == _DOCKER else host
        path = self.site.place(registry)
        if path not in self.paths:
            kept = self.site.present.get(path)
            self.targets[path] = Target(path, HostsToml(f"https://{host}", ()), kept)
            self._index(path)

    def _moved(self, host: str, homes: list[str]) -> Disposition:
        if not self.site.reads_tls:
            message = f'configs."{host}".tls was ignored by containerd 2.x, and takes effect in {"; ".join(homes)}'
            fix = "see that its files are right before the rollout, or delete the table first"
            where = self.site.where("configs", host, "tls")
            self.findings.append(Finding("tls-comes-alive", Severity.WARNING, where, message, fix))
        return Disposition("moved", "; ".join(homes))

    def _homeless(self, host: str) -> Disposition:
        """What becomes of TLS that no file can take: it was dead, or it is lost."""
        if not self.site.reads_tls:
            return Disposition("removed", "containerd 2.x ignores it, and no server of the new files is this host")
        schemes = self._schemes(host)
        if not schemes:
            return Disposition("removed", "never had an effect: no server that is contacted has this name")
        if schemes == {"http"}:
            return Disposition("removed", "never had an effect: this server is contacted by http")
        if kept := self._kept(host):
            code, what = "tls-in-foreign-file", f"belongs in {kept}, which this tool did not write and does not change"
            fix = f'write it there for the server "{host}" (skip_verify, ca, client)'
        else:
            code, what = "tls-host-not-contacted", "is for a server that no image is pulled from any more"
            fix = "nothing, if only the old mirror needed it"
        self.losses.append(self.site.loss(code, ("configs", host, "tls"), f'configs."{host}".tls {what}', fix))
        return Disposition("lost", fix)

    def _schemes(self, host: str) -> set[str]:
        """How a host was contacted: as an endpoint, or by its own name."""
        named = contacts(self.mirrors, host) if can_be_named(host) else []
        named += contacts(self.mirrors, "docker.io") if host == _DOCKER else []
        urls = (*self._endpoints.get(host, ()), *named)
        return {url.partition("://")[0] for url in urls if host_of(url) == host}

    @cached_property
    def _endpoints(self) -> Mapping[str, list[str]]:
        """The endpoints of all mirrors by their hosts."""
        found: dict[str, list[str]] = {}
        for url in (with_scheme(endpoint) for each in self.mirrors.values() for endpoint in each):
            found.setdefault(host_of(url), []).append(url)
        return found

    def _kept(self, host: str) -> str | None:
        targets = (self.targets[name] for name in self.names.get(host, ()))
        kept = (target for target in targets if target.kept is not None)
        return next((target.path for target in kept if _slots(target.file, host)), None)

    def _check_pair(self, host: str, table: Mapping[str, Any]) -> None:
        """A certificate without its key, which containerd 1.x made a pull fail with."""
        for key, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
            if not table.get(key) or table.get(other):
                continue
            self.dispositions[host, key] = Disposition(
                "removed", f"containerd 2.x ignores it, and it says nothing without {other}"
            )
            if self.site.reads_tls:
                fix = f"write both into the hosts.toml as client, or drop {key}"
                message = f'configs."{host}".tls.{key} has no {other} beside it, so no pull from {host} worked'
                path = ("configs", host, "tls", key)
                self.losses.append(self.site.loss("tls-pair-incomplete", path, message, fix))
                self.dispositions[host, key] = Disposition("lost", fix)


def contacts(mirrors: Mirrors, registry: str) -> list[str]:
    """The servers that are asked for a registry's images without config_path, in order (registryEndpoints)."""
    endpoints = [with_scheme(endpoint) for endpoint in mirrors.get(registry, mirrors.get("*", ()))]
    if registry in map(host_of, endpoints):
        return endpoints
    return [*endpoints, upstream_of(registry) or f"http://{registry}"]


def can_be_named(host: str) -> bool:
    """Whether images are named by this host and pulled from it. docker.io is only a name, of another server."""
    plain = host.isprintable() and not any(letter in host for letter in "/\"'\\ ")
    return plain and host not in DOCKER_NAMES and ("." in host.strip(".") or ":" in host or is_local(host))


def _named_over_tls(host: str, mirrors: Mirrors) -> bool:
    registry = "docker.io" if host == _DOCKER else host
    return can_be_named(host) and any(_is_https(url, host) for url in contacts(mirrors, registry))


def _slots(file: HostsToml, host: str) -> list[str]:
    """The places of a file that TLS of a host goes to: http has none."""
    urls = [entry.url for entry in file.hosts if _is_https(entry.url, host)]
    return [f'[host."{url}"]' for url in urls] + (["server"] if _is_https(file.server, host) else [])


def _fitted(file: HostsToml, host: str, tls: Tls) -> HostsToml:
    hosts = (
        replace(entry, tls=entry.tls.with_those_of(tls)) if _is_https(entry.url, host) else entry
        for entry in file.hosts
    )
    server = file.tls.with_those_of(tls) if _is_https(file.server, host) else file.tls
    return replace(file, hosts=tuple(hosts), tls=server)


def _is_https(url: str | None, host: str) -> bool:
    return url is not None and url.startswith("https://") and host_of(url) == host


def _fate(key: str, table: Mapping[str, Any], gone: Disposition, homes: list[str]) -> Disposition:
    if key not in _PLACES:
        return Disposition("removed", "is no setting of containerd")
    if not table[key]:
        return Disposition("removed", "says what containerd does anyway")
    return Disposition("moved", "; ".join(f"{home} {_PLACES[key]}" for home in homes)) if homes else gone


def _read(host: str, table: Mapping[str, Any]) -> Tls:
    for key, value in table.items():
        if key in _PLACES and not isinstance(value, bool if key == "insecure_skip_verify" else str):
            raise Refused(f'configs."{host}".tls.{key} is of a type that containerd does not start with: correct it')
    ca, cert, key_file = (_absolute(table.get(key)) for key in ("ca_file", "cert_file", "key_file"))
    client = ((cert, key_file),) if cert and key_file else ()
    return Tls(bool(table.get("insecure_skip_verify")), (ca,) if ca else (), client)


def _absolute(path: str | None) -> str | None:
    """The daemon's directory is / where systemd starts it; in a hosts.toml a path is relative to that file."""
    return clean(posixpath.join("/", path)) if path else None
