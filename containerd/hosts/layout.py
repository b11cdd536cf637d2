"""Which hosts.toml files a node gets: one per registry of the table, and one per other mirror or host that it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from common import Finding, Severity, mask_urls
from containerd.config import Mirrors
from containerd.hosts.carrying import carry_certificates
from containerd.hosts.existing import Site, Target
from containerd.hosts.hosts_toml import (
    NO_TLS,
    HostEntry,
    HostsToml,
    Mapped,
    Tls,
    from_endpoints,
    host_of,
    is_local,
    is_registry,
    with_scheme,
)
from containerd.hosts.legible import OTHER_ADDRESS, check_legible, is_legible, legible
from containerd.hosts.tls import Placing, TlsTables, can_be_named
from containerd.model import Disposition, Dispositions, Registry, release_of


@dataclass(frozen=True)
class HostsPlan:
    """The hosts.toml files that a node is to have, by absolute path, and what became of the settings that made them.

    `losses` are the findings of settings that have no place any more; `findings` are the others.
    """

    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    dispositions: Dispositions = field(default_factory=Dispositions)
    findings: tuple[Finding, ...] = ()
    losses: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    def changed(self, present: Mapping[str, str]) -> dict[str, str]:
        """The files that are not there yet with this text."""
        return {path: text for path, text in self.files.items() if present.get(path) != text}


def plan_hosts(site: Site, mirrors: Mirrors, tls: TlsTables, registries: tuple[Registry, ...]) -> HostsPlan:
    """Plan the files of a node from the mirrors and the TLS tables that it has in effect.

    Raises Refused for a mirror that cannot be carried.
    """
    plan = _Planning(site, mirrors)
    for registry in registries:
        plan.of_the_table(registry)
    for name, endpoints in mirrors.items():
        if name not in plan.targets and name != "*":
            plan.carry(name, endpoints)
    plan.replace_wildcard(registries)
    placing = Placing(site, mirrors, plan.targets)
    placing.place(tls)
    certificates = carry_certificates(site, placing.targets)
    written = {name: target for name, target in placing.targets.items() if target.kept is None}
    for name, target in written.items():
        check_legible(site, name, target)
    return HostsPlan(
        {target.path: plan.text(target) for target in written.values()},
        Dispositions(plan.dispositions, placing.dispositions),
        (*plan.findings, *placing.findings, *certificates),
        (*plan.losses, *placing.losses),
        tuple(plan.notes),
    )


class _Planning:
    """The files as they come together."""

    def __init__(self, site: Site, mirrors: Mirrors) -> None:
        self.site = site
        self.mirrors = mirrors
        self.targets: dict[str, Target] = {}
        self.dispositions: dict[tuple[str, str], Disposition] = {}
        self.findings: list[Finding] = []
        self.losses: list[Finding] = []
        self.notes: list[str] = []

    def of_the_table(self, registry: Registry) -> None:
        """A registry of the table is asked at its caches; TLS that an earlier run moved there stays."""
        path = self.site.place(registry.name)
        there, own = self.site.present.get(path), self.site.own(path)
        dial_timeout = registry.dial_timeout if release_of(self.site.version).hosts.dial_timeout else None
        entries = tuple(HostEntry(endpoint, dial_timeout=dial_timeout) for endpoint in registry.endpoints)
        file = HostsToml(registry.upstream, entries)
        if own:
            file = _with_tls_of(file, own)
            self._tls_that_goes(path, own, file)
        kept = there if own is None and there is not None else None
        self.targets[registry.name] = Target(path, file, kept)
        if kept is not None:
            self._foreign(path, registry, kept)
        elif there is not None and there != self.site.render(file):
            self.notes.append(f"{path} is there already and is replaced")
        self._replaced(registry, self.targets[registry.name])

    def carry(self, name: str, endpoints: tuple[str, ...]) -> None:
        """A mirror outside the table goes on as it was."""
        if not is_registry(name):
            shown = mask_urls(f'mirrors."{name}"')
            self._all(name, Disposition("removed", "never had an effect: no image is named so"))
            self.notes.append(f"{shown} is removed: no image is named so, it never had an effect")
        elif not endpoints:
            self._all(name, Disposition("removed", f"{name} is pulled from its upstream, as before"))
            self.notes.append(f'mirrors."{name}" has no endpoint: {name} is pulled from its upstream, as before')
        else:
            self._carry(name, from_endpoints(name, endpoints))

    def replace_wildcard(self, registries: tuple[Registry, ...]) -> None:
        """The wildcard gives way to the caches of the table."""
        names = ", ".join(registry.name for registry in registries)
        rest = "other registries are pulled from their upstream"
        disposition = (
            Disposition("replaced", f"the caches of {names}; {rest}") if names else Disposition("removed", rest)
        )
        self._all("*", disposition)
        for url in map(with_scheme, self.mirrors.get("*", ())):
            host = host_of(url)
            if url.startswith("http:") and host not in self.mirrors and can_be_named(host) and not is_local(host):
                self._by_its_name(host, self.site.place(host))

    def text(self, target: Target) -> str:
        """The text of a file; one that says the same in other words stays as it is."""
        planned = self.site.render(target.file)
        return self.site.present[target.path] if self.site.says_the_same(target.path, planned) else planned

    def _carry(self, name: str, mapped: Mapped) -> None:
        path = self.site.place(name)
        file = legible(self.site, path, mapped.hosts_toml)
        there, own = self.site.present.get(path), self.site.own(path)
        if own and _with_tls_of(file, own) == own:
            file, there = own, None
        kept = None if self.site.says_the_same(path, self.site.render(file)) else there
        self.targets[name] = Target(path, file, kept)
        carried, written = frozenset(mapped.hosts_toml.hosts), frozenset(file.hosts)
        for endpoint in mapped.endpoints:
            if endpoint.entry is None:
                disposition = Disposition("removed", "never worked: a repository path without a scheme")
            elif endpoint.entry not in carried and endpoint.entry.url != file.server:
                disposition = Disposition("removed", "is another spelling of an endpoint before it")
            else:
                is_server = endpoint.entry not in written and endpoint.entry.url == file.server
                disposition = self._of_carried(name, endpoint.entry, self.targets[name], is_server=is_server)
            self.dispositions.setdefault((name, endpoint.written), disposition)
        self.notes += [*mapped.notes, *([] if kept is not None else [f'carried: mirrors."{name}" into {path}'])]

    def _of_carried(self, name: str, entry: HostEntry, target: Target, *, is_server: bool) -> Disposition:
        slot = f'[host."{entry.url}"]'
        if entry.override_path and not release_of(self.site.version).hosts.override_path:
            fix = f"upgrade containerd, or serve {name} at {entry.url.partition('://')[2].partition('/')[0]} itself"
            message = f"{entry.url} has a path, and containerd {self.site.version} has no override_path"
            return self._lost("override-path-not-honoured", name, message, fix)
        if not is_server and not is_legible(self.site, target.path, entry):
            fix = f"name it by a host name or an IPv4 address, or upgrade containerd {self.site.version}"
            message = f"containerd {self.site.version} ignores a hosts.toml that names {entry.url}"
            return self._lost("mirror-not-legible", name, message, fix)
        if target.kept is not None and not self.site.asks(target.path, target.kept, (entry,)):
            fix = f"add {slot} to {target.path}, or delete that file"
            message = f"{entry.url} belongs in {target.path}, which is there already and says something else"
            return self._lost("mirror-in-foreign-file", name, message, fix)
        place = "server" if is_server and target.kept is None else slot
        return Disposition("moved", f"{target.path}: {place}{' with override_path' if entry.override_path else ''}")

    def _lost(self, code: str, name: str, message: str, fix: str) -> Disposition:
        self.losses.append(self.site.loss(code, ("mirrors", name), f'mirrors."{name}": {message}', fix))
        return Disposition("lost", fix)

    def _foreign(self, path: str, registry: Registry, text: str) -> None:
        entries = [HostEntry(endpoint) for endpoint in registry.endpoints]
        kept = f"{path} was not written by this tool and is kept"
        if self.site.asks(path, text, entries):
            message = f"{kept}; it asks the cache of {registry.name} too"
            self.findings.append(Finding("foreign-hosts-toml", Severity.NOTE, path, message, "nothing"))
            return
        why = self.site.reading(path, text).ignored
        ignored = f" (containerd {self.site.version} ignores all of it: {why})" if why else ""
        message = f"{kept}: {registry.name} does not use its cache here{ignored}"
        legible_here = [entry.url for entry in entries if is_legible(self.site, path, entry)]
        fix = OTHER_ADDRESS if entries else "nothing"
        if legible_here:
            fix = f'add [host."{legible_here[0]}"] to it, or delete it, and run again'
        self.findings.append(Finding("foreign-hosts-toml", Severity.WARNING, path, mask_urls(message), fix))

    def _by_its_name(self, host: str, path: str) -> None:
        if path not in self.site.present:
            where, message = self.site.where("mirrors", "*"), f"images named {host}/… came by http, and now by https"
            fix = f'if there are any, write {path} with server = "http://{host}" and a line [host]'
            self.findings.append(Finding("wildcard-host-by-name", Severity.WARNING, where, message, fix))

    def _tls_that_goes(self, path: str, own: HostsToml, file: HostsToml) -> None:
        kept = {entry.tls for entry in file.hosts} | {file.tls, NO_TLS}
        if not {own.tls, *(entry.tls for entry in own.hosts)} <= kept:
            message = f"{path} has TLS of a server that is not asked any more: it goes"
            self.findings.append(Finding("tls-goes", Severity.WARNING, path, message, "see that nothing needs it"))

    def _replaced(self, registry: Registry, target: Target) -> None:
        to = f"the table's cache ({', '.join(registry.endpoints)}), in {target.path}"
        entries = [HostEntry(endpoint) for endpoint in registry.endpoints]
        if target.kept is not None and not self.site.asks(target.path, target.kept, entries):
            to = f"{target.path}, which is kept, and does not ask the table's cache"
        for endpoint in (*self.mirrors.get(registry.name, ()), ""):
            same = endpoint.rstrip("/") in registry.endpoints and target.kept is None
            self.dispositions[registry.name, endpoint] = (
                Disposition("moved", target.path) if same else Disposition("replaced", to)
            )

    def _all(self, name: str, disposition: Disposition) -> None:
        for endpoint in (*self.mirrors.get(name, ()), ""):
            self.dispositions[name, endpoint] = disposition


def _with_tls_of(file: HostsToml, other: HostsToml) -> HostsToml:
    """The file with the TLS that another one has for the same servers."""
    known: dict[str, Tls] = {host_of(entry.url): entry.tls for entry in other.hosts if entry.url.startswith("https:")}
    hosts = tuple(replace(entry, tls=known.get(host_of(entry.url), NO_TLS)) for entry in file.hosts)
    return replace(file, hosts=hosts, tls=other.tls if other.server == file.server else NO_TLS)
