"""From what is known of a node to what is to be done on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from common import Finding, Severity, unified_diff
from containerd.decide.migration import decide
from containerd.diagnose import UNFINISHED, bound_findings, daemon_findings, doubts, proxy_findings
from containerd.hosts import HostsRenderer
from containerd.model import (
    Decision,
    FileSet,
    Generation,
    NodeFacts,
    Policy,
    Refused,
    Strategy,
    checksum,
    generation_of,
    shortage,
)

ACCEPTABLE = (
    "cache-through-proxy",
    "cri-not-ok",
    "daemon-reload",
    "mirror-in-foreign-file",
    "mirror-not-legible",
    "override-path-not-honoured",
    "own-mounts",
    "tls-file-missing",
    "tls-host-not-contacted",
    "tls-in-foreign-file",
    "tls-pair-incomplete",
    "unknown-release",
    "version-change",
)
"""The codes that an operator can accept by name: of settings that are lost, and of findings that block."""


@dataclass(frozen=True)
class Consent:
    """What an operator agrees to beforehand: codes of losses and of findings that block, and another containerd.

    ``restarts`` are the units that may be restarted together with containerd.
    """

    losses: frozenset[str] = frozenset()
    version_change: bool = False
    restarts: frozenset[str] = frozenset()

    def permits(self, finding: Finding) -> bool:
        """Whether a loss, or a finding about the daemon that blocks, is agreed to. An unfinished run never is."""
        if finding.code == UNFINISHED:
            return False
        if finding.code == "bound-unit":
            return finding.where in self.restarts
        return finding.code in self.losses or (finding.code == "version-change" and self.version_change)

    def refused(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings that block and are not agreed to."""
        return [finding for finding in findings if finding.blocks and not self.permits(finding)]


NO_CONSENT = Consent()
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class PlannedFile:
    """One file of a transaction: where it is renamed to, and the sums that its manifest records.

    Its kind is ``hosts`` for a hosts.toml and ``config`` for every file that containerd reads at its start.
    """

    kind: str
    path: str
    before: str | None = field(repr=False)
    after: str = field(repr=False)

    @property
    def before_sum(self) -> str:
        """The sha256 of the live text that the plan was made on, or ``absent``."""
        return "absent" if self.before is None else checksum(self.before)


@dataclass(frozen=True)
class NodePlan:
    """What a rollout does on one node, and why."""

    facts: NodeFacts
    policy: Policy
    decision: Decision
    files: tuple[PlannedFile, ...]
    restart: bool
    reason: str

    @property
    def acts(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.files) or self.restart

    @property
    def after(self) -> FileSet:
        """The files of the node once the plan is carried out."""
        return replace(self.facts.files, texts={**self.facts.files.texts, **self.decision.files})

    @cached_property
    def diff(self) -> str:
        """The change of every file as one unified diff, secrets masked."""
        return "".join(unified_diff(file.path, file.before, file.after) for file in self.files)


def plan_node(
    facts: NodeFacts,
    filed: Generation,
    policy: Policy,
    render: HostsRenderer,
    consent: Consent = NO_CONSENT,
) -> NodePlan:
    """Decide what a rollout does on a node that the inventory files under the generation ``filed``.

    ``consent`` is what the operator takes into the bargain. Raises ``Refused`` with every finding that blocks, and
    ``VersionError`` for a version that is not supported at all.
    """
    skipped = policy.strategy is Strategy.SKIP
    blocking = list(_blocking(facts, filed, policy, consent))
    try:
        decision = decide(facts.files, facts.daemon.version, policy, render)
    except Refused as refused:
        raise Refused.of((*blocking, *refused.as_findings(f"{facts.files.main}:1"))) from None
    files = tuple(_planned(facts, path, text) for path, text in decision.files.items())
    pending = facts.restart_pending and not skipped
    restart = pending or any(file.kind == "config" for file in files)
    blocking += consent.refused(decision.findings)
    blocking += _losses(decision, consent)
    blocking += _odd_paths(facts, decision)
    blocking += _restart_and_space(facts, acts=bool(files) or restart, restart=restart)
    bound = tuple(bound_findings(facts.bound)) if restart else ()
    blocking += consent.refused(bound)
    if blocking:
        raise Refused.of(blocking)
    decision = replace(decision, findings=(*decision.findings, *bound))
    reason = decision.reason
    if pending and not files:
        reason = f"restart pending: {facts.config_file} is as planned, but newer than the running containerd"
    return NodePlan(facts, policy, decision, files, restart, reason)


def _blocking(facts: NodeFacts, filed: Generation, policy: Policy, consent: Consent) -> Iterator[Finding]:
    """What blocks before anything is decided, except what the operator permits."""
    runs = facts.daemon.version
    generation = generation_of(runs)
    if generation is not filed:
        yield _blocked(
            "filed-wrongly",
            facts.daemon.binary,
            f"runs containerd {runs.text}, but is filed under containerd-{filed.value}",
            f"move it to containerd-{generation.value} in hosts.yaml",
        )
    if policy.strategy is not Strategy.SKIP:
        known = (*daemon_findings(facts), *doubts(facts.files, runs), *through_proxies(facts, policy))
        yield from consent.refused(known)


def through_proxies(facts: NodeFacts, policy: Policy) -> Iterator[Finding]:
    """Return a finding for each cache of the policy that the node's daemon would ask through a proxy."""
    return proxy_findings(facts.proxies, (url for registry in policy.registries for url in registry.endpoints))


def _planned(facts: NodeFacts, path: str, text: str) -> PlannedFile:
    kind = "hosts" if path.endswith("/hosts.toml") else "config"
    return PlannedFile(kind, facts.real_path(path), facts.text(path), text)


def _odd_paths(facts: NodeFacts, decision: Decision) -> Iterator[Finding]:
    real = [facts.real_path(path) for path in decision.files]
    for path in dict.fromkeys((*decision.files, *real)):
        if _CONTROL.search(path):
            message = f"the path {path!r} has a tab, a newline or another control character"
            yield _blocked("odd-path", facts.config_file, message, "rename it there first")
    for path in sorted({path for path in real if real.count(path) > 1}):
        message = f"several files to write are links to {path}"
        yield _blocked("several-links", f"{path}:1", message, "give each registry a hosts.toml of its own")


def _losses(decision: Decision, consent: Consent) -> Iterator[Finding]:
    for loss in decision.losses:
        if not consent.permits(loss):
            fix = f"{loss.fix}. To go on without it: --accept-loss {loss.code}"
            yield replace(loss, message=f"a setting would be lost: {loss.message}", fix=fix, blocks=True)


def _restart_and_space(facts: NodeFacts, *, acts: bool, restart: bool) -> Iterator[Finding]:
    """What only a node on which something is to be done needs."""
    kill_mode = facts.daemon.kill_mode
    if restart and kill_mode != "process":
        yield _blocked(
            "kill-mode",
            "containerd.service",
            f"KillMode of containerd.service is {kill_mode or 'unknown'}, and a restart would kill the containers with "
            "it",
            "set KillMode=process in a drop-in there, run systemctl daemon-reload, then the rollout again",
        )
    if acts and (short := shortage(facts.headroom)):
        yield _blocked("no-space", "containerd.service", short, "then run the rollout again")


def _blocked(code: str, where: str, message: str, fix: str) -> Finding:
    return Finding(code, Severity.ERROR, where, message, fix, blocks=True)
