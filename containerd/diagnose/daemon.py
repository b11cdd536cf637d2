"""What is to be said of a node's daemon, beside its files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

from common import Finding, Severity, mask_urls
from containerd.model import Daemon, NodeFacts, Proxies, Transaction

_OURS = frozenset({"kubelet.service"})
"""Kubelet is meant to follow containerd, and is asked for after the restart anyway."""

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
    for path in facts.elsewhere[:1]:
        yield Finding(
            "own-mounts",
            Severity.ERROR,
            path,
            f"containerd reads {path} in a mount namespace of its own, where it is another file than outside",
            "take the mounts out of its unit (BindPaths= and the like), or change the node by hand",
            blocks=True,
        )
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


def bound_findings(units: Collection[str]) -> Iterator[Finding]:
    """Return a finding for each of the active ``units`` that a restart of containerd takes with it."""
    for unit in units:
        if unit not in _OURS:
            yield Finding(
                "bound-unit",
                Severity.WARNING,
                unit,
                f"{unit} is bound to containerd.service (BindsTo=, PartOf= or Requires=): systemd restarts it together "
                "with containerd, and what it runs may end",
                f"give it Wants= instead, in a drop-in there, or add --allow-restart-of {unit}",
                blocks=True,
            )


def proxy_findings(proxies: Proxies, endpoints: Iterable[str]) -> Iterator[Finding]:
    """Return an error for each server of ``endpoints`` that the daemon asks through a proxy.

    The gate asks through the node's sshd, which knows no proxy, so that it cannot find this.
    """
    asked: dict[str, str] = {}
    for endpoint in endpoints:
        if proxy := proxies.proxy_for(endpoint):
            asked.setdefault(urlsplit(endpoint).hostname or "", f"{endpoint} through the proxy {_shown(proxy)}")
    for host, how in asked.items():
        yield Finding(
            "cache-through-proxy",
            Severity.ERROR,
            "containerd.service",
            f"containerd is started with a proxy, and asks {how}",
            f"add {host} to NO_PROXY in the unit's environment there, daemon-reload, and restart containerd",
            blocks=True,
        )


def _shown(proxy: str) -> str:
    return mask_urls(proxy if "://" in proxy else f"http://{proxy}")
