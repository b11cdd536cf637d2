"""What to write on a node so that it uses the table's caches. Nothing is guessed: what is not understood is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from common import mask_urls
from containerd.config import DEFAULT_ROOT, Sources, dotted, load_sources, single_root, versioned
from containerd.decide import rewrite
from containerd.decide.changes import leftovers
from containerd.decide.dispositions import account, stays_but_for
from containerd.decide.side_effects import notes_on_imports, side_effects
from containerd.diagnose import refusals
from containerd.hosts import HostsPlan, HostsRenderer, Site, plan_hosts, wildcard_of
from containerd.model import ContainerdError, Decision, Dispositions, FileSet, Policy, Refused, Strategy, Version, clean


def decide(files: FileSet, version: Version, policy: Policy, render: HostsRenderer) -> Decision:
    """Decide what to write on a node, from its configuration and its hosts.toml files; `render` writes one.

    Nodes that are alike are decided once. Raises Refused, with all that blocks, and VersionError.
    """
    node = _Node(files.main, tuple(sorted(files.texts.items())), files.present, version, version.text)
    decision = _decide(node, policy, render)
    return replace(decision, files=dict(decision.files))


@dataclass(frozen=True)
class _Node:
    """What a decision depends on; hashable, so that nodes that are alike share one."""

    main: str
    texts: tuple[tuple[str, str], ...] = field(repr=False)
    there: frozenset[str]
    version: Version
    build: str

    @property
    def files(self) -> FileSet:
        return FileSet(self.main, dict(self.texts), self.there)

    @property
    def hosts_files(self) -> dict[str, str]:
        return {path: text for path, text in self.texts if path.endswith("/hosts.toml")}


@lru_cache(maxsize=256)
def _decide(node: _Node, policy: Policy, render: HostsRenderer) -> Decision:
    if policy.strategy is Strategy.SKIP:
        return _skip(node)
    if blocking := refusals(node.files, node.version, policy.strategy):
        raise Refused.of(blocking)
    files = versioned(node.files, node.version)
    sources = load_sources(files, node.version)
    if policy.strategy is Strategy.CONFIG_PATH:
        root = single_root(sources.config_path, files.texts) or DEFAULT_ROOT
        hosts = _hosts(sources, root, node, policy, render)
    else:
        root, hosts = None, HostsPlan(dispositions=stays_but_for(sources.mirrors, _table(policy)))
    texts = rewrite.rewritten(node.files, files, sources, policy, root)
    written = {**hosts.changed(node.hosts_files), **texts}
    dispositions = replace(hosts.dispositions, root=root)
    return Decision(
        policy.strategy,
        written,
        root,
        tuple(_notes(sources, hosts, policy)),
        _reason(policy.strategy, root, written, tuple(texts)),
        account(sources, dispositions),
        (*hosts.findings, *notes_on_imports(sources, texts)),
        hosts.losses,
    )


def _hosts(sources: Sources, root: str, node: _Node, policy: Policy, render: HostsRenderer) -> HostsPlan:
    site = Site(clean(root), node.files, node.version, render, sources.where, sources.roots)
    plan = plan_hosts(site, sources.mirrors, sources.tls, policy.registries)
    return replace(plan, findings=(*plan.findings, *side_effects(site, plan)))


def _skip(node: _Node) -> Decision:
    reason = f"strategy skip: containerd {node.version} keeps its configuration"
    try:
        sources = load_sources(node.files, node.version)
        wildcard, accounting = sources.mirrors.get("*"), account(sources, Dispositions(kept=True))
        wildcard = _default_wildcard(sources, node) if wildcard is None else wildcard
    except ContainerdError as error:
        wildcard, accounting, reason = None, (), f"{reason}, which is not understood ({error})"
    if wildcard is not None:
        reason += f", with the wildcard mirror ({mask_urls(', '.join(wildcard))}) still in use"
    return Decision(Strategy.SKIP, {}, None, (), reason, accounting)


def _default_wildcard(sources: Sources, node: _Node) -> tuple[str, ...] | None:
    """What `_default` has every registry asked at, None where nothing does."""
    for root in sources.roots:
        if asked := wildcard_of(f"{root}/_default/hosts.toml", node.files, node.version):
            return asked
    return None


def _table(policy: Policy) -> dict[str, tuple[str, ...]]:
    return {registry.name: registry.endpoints for registry in policy.registries}


def _notes(sources: Sources, hosts: HostsPlan, policy: Policy) -> Iterator[str]:
    table = _table(policy)
    for name, endpoints in sources.mirrors.items():
        said = mask_urls(f'mirrors."{name}" ({", ".join(endpoints) or "no endpoint"})')
        if name == "*":
            yield f"{said} is removed: registries outside the table are pulled from their upstream"
        elif name in table and endpoints != table[name]:
            yield f"{said} is replaced by the table's cache ({', '.join(table[name])})"
    yield from hosts.notes
    for source in sources.files:
        for path in leftovers(source, sources):
            yield f"{dotted(path)} is removed: containerd 2.x reads {dotted(sources.table(source))} in this file"


def _reason(strategy: Strategy, root: str | None, written: dict[str, str], texts: tuple[str, ...]) -> str:
    if not written:
        return f"already as planned (strategy {strategy.value})"
    names = [path.rpartition("/")[2] for path in reversed(texts)]
    if strategy is Strategy.MIRRORS:
        return f"one mirror for each registry of the table: {', '.join(names)}"
    hosts = len(written) - len(texts)
    parts = [*names, *([f"{hosts} hosts.toml"] if hosts else [])]
    return f"config_path {root}: {' and '.join(parts)}"
