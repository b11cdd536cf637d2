"""From what is known of a node to what is to be done on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from common import Finding, unified_diff
from containerd.decide.migration import decide
from containerd.diagnose import daemon_findings, doubts
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


@dataclass(frozen=True)
class Consent:
    """What an operator agrees to beforehand: codes of losses and of findings that block, and another containerd."""

    losses: frozenset[str] = frozenset()
    version_change: bool = False

    def permits(self, finding: Finding) -> bool:
        """Whether a finding that blocks is agreed to."""
        return finding.code in self.losses or (finding.code == "version-change" and self.version_change)


NO_CONSENT = Consent()


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

    ``consent`` is what the operator takes into the bargain. Raises ``Refused`` or ``NotToml`` with what to do
    where nothing can be done safely, or where a setting would be lost.
    """
    _check_generation(facts, filed)
    if policy.strategy is not Strategy.SKIP:
        _check_ready(facts, consent)
    decision = decide(facts.files, facts.daemon.version, policy, render)
    _check_losses(decision, consent)
    _check_paths(facts, decision)
    files = tuple(_planned(facts, path, text) for path, text in decision.files.items())
    pending = facts.restart_pending and policy.strategy is not Strategy.SKIP
    restart = pending or any(file.kind == "config" for file in files)
    _check_room(facts, acts=bool(files) or restart, restart=restart)
    reason = decision.reason
    if pending and not files:
        reason = f"restart pending: {facts.config_file} is as planned, but newer than the running containerd"
    return NodePlan(facts, policy, decision, files, restart, reason)


def _planned(facts: NodeFacts, path: str, text: str) -> PlannedFile:
    kind = "hosts" if path.endswith("/hosts.toml") else "config"
    return PlannedFile(kind, facts.real_path(path), facts.text(path), text)


def _check_paths(facts: NodeFacts, decision: Decision) -> None:
    real = [facts.real_path(path) for path in decision.files]
    twice = sorted({path for path in real if real.count(path) > 1})
    if twice:
        raise Refused(f"several files to write are links to {twice[0]}; give each registry a hosts.toml of its own")


def _check_generation(facts: NodeFacts, filed: Generation) -> None:
    runs = facts.daemon.version
    generation = generation_of(runs)
    if generation is not filed:
        raise Refused(
            f"runs containerd {runs.text}, but is filed under containerd-{filed.value}; "
            f"move it to containerd-{generation.value} in hosts.yaml"
        )


def _check_losses(decision: Decision, consent: Consent) -> None:
    lost = [loss for loss in decision.losses if not consent.permits(loss)]
    if lost:
        told = "; ".join(f"{loss.message}: {loss.fix}" for loss in lost)
        flags = " ".join(f"--accept-loss {code}" for code in sorted({loss.code for loss in lost}))
        raise Refused(f"settings would be lost: {told}. To go on without them: {flags}")


def _check_ready(facts: NodeFacts, consent: Consent) -> None:
    """Raise Refused for every finding that blocks, except those that the operator permits."""
    found = (*daemon_findings(facts), *doubts(facts.files, facts.daemon.version))
    blocking = [finding for finding in found if finding.blocks and not consent.permits(finding)]
    if blocking:
        raise Refused(". Also: ".join(f"{finding.message}; {finding.fix}" for finding in blocking))


def _check_room(facts: NodeFacts, *, acts: bool, restart: bool) -> None:
    """What only a node on which something is to be done needs."""
    kill_mode = facts.daemon.kill_mode
    if restart and kill_mode != "process":
        raise Refused(
            f"KillMode of containerd.service is {kill_mode or 'unknown'}, and a restart would kill the containers with "
            "it; set KillMode=process in a drop-in there, run systemctl daemon-reload, then the rollout again"
        )
    if acts and (short := shortage(facts.headroom)):
        raise Refused(f"{short}, then run the rollout again")
