"""What is to be said of a node's daemon, beside its files."""

from __future__ import annotations

from collections.abc import Iterator

from common import Finding, Severity
from containerd.model import Daemon, NodeFacts, Transaction

UNFINISHED = "unfinished-run"
"""The code of a run that is at work or did not finish. Nothing permits another one beside it."""


def daemon_findings(facts: NodeFacts) -> Iterator[Finding]:
    """What a restart would bring that nobody asked for, and what a run has left undone: audit and rollout both ask."""
    if facts.transaction is not None and facts.transaction.unfinished:
        yield Finding(
            UNFINISHED,
            Severity.ERROR,
            f"/var/lib/containerd-fleet/{facts.transaction.run}",
            f"run {_named(facts.transaction)} is at work on this node or did not finish ({facts.transaction.state})",
            "see: python main.py status; settle it with: python main.py finish",
            blocks=True,
        )
    yield from _of_daemon(facts.daemon)
    if facts.cri.state != "ok":
        yield Finding(
            "cri-not-ok",
            Severity.ERROR,
            facts.daemon.socket,
            f"CRI was not ok before this run: {facts.cri.detail}",
            "repair the node first",
            blocks=True,
        )
    if facts.restart_pending:
        yield Finding(
            "restart-pending",
            Severity.WARNING,
            facts.config_file,
            "the configuration was changed after containerd started: what it says is not what runs",
            "restart containerd, or roll out, which does",
        )


def _of_daemon(daemon: Daemon) -> Iterator[Finding]:
    if daemon.needs_daemon_reload:
        yield Finding(
            "daemon-reload",
            Severity.WARNING,
            "containerd.service",
            "the unit of containerd changed on disk, and a restart would start the old one",
            "run systemctl daemon-reload there, then the rollout again",
            blocks=True,
        )
    if daemon.changes_at_restart:
        yield Finding(
            "version-change",
            Severity.WARNING,
            daemon.binary,
            f"containerd {daemon.running.text} runs, but its program was replaced on disk (by {daemon.version.text}), "
            "and a restart would start that one",
            "restart it at a time of your own, or add --allow-version-change",
            blocks=True,
        )


def _named(transaction: Transaction) -> str:
    owner = f" of {transaction.owner}" if transaction.owner else ""
    since = f", since {transaction.since}," if transaction.since else ""
    return f"{transaction.run}{owner}{since}"
