"""What is to be said of a node's daemon, beside its files."""

from __future__ import annotations

from collections.abc import Iterator

from containerd.findings import Finding, Severity
from containerd.node import NodeFacts


def standing(facts: NodeFacts) -> Iterator[Finding]:
    """What a restart would bring that nobody asked for, and what a run has left undone."""
    daemon = facts.daemon
    if daemon.changes_at_restart:
        yield Finding(
            "version-change",
            Severity.WARNING,
            daemon.binary,
            f"containerd {daemon.running.text} runs, {daemon.version.text} is on disk: a restart would start that one",
            "restart containerd at a time of your own, or roll out with --allow-version-change",
        )
    if facts.restart_pending:
        yield Finding(
            "restart-pending",
            Severity.WARNING,
            facts.config_file,
            "the configuration was changed after containerd started: what it says is not what runs",
            "restart containerd, or roll out, which does",
        )
    if daemon.needs_daemon_reload:
        yield Finding(
            "daemon-reload",
            Severity.WARNING,
            "containerd.service",
            "the unit was changed on disk: a restart would start the old one",
            "run systemctl daemon-reload",
        )
    if facts.transaction is not None and facts.transaction.unfinished:
        yield Finding(
            "unfinished-run",
            Severity.ERROR,
            f"/var/lib/containerd-fleet/{facts.transaction.run}",
            f"a run stopped in the middle ({facts.transaction.state})",
            "undo it with the command rollback",
        )
