"""What a command line may say about how a runbook goes about it. Light: imported before anything else is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RolloutOptions:
    """Each node settles for ``settle_seconds``, all of a wave at once; ``num_workers`` nodes change at once.

    ``accept_loss`` has the codes of settings that may be lost; ``allow_version_change`` lets a restart start another
    containerd than the one that runs; ``allow_restart_of`` has units that may be restarted together with containerd;
    ``without_proof`` restarts nodes that cannot prove their new files first.
    ``without_gate`` does not ask the caches; ``allow_dhcp`` has their hosts' addresses be leases that are reserved.
    ``diff`` shows every file's change with the plan.
    """

    dry_run: bool = False
    yes: bool = False
    num_workers: int = 5
    settle_seconds: float = 10.0
    accept_loss: frozenset[str] = frozenset()
    allow_version_change: bool = False
    allow_restart_of: frozenset[str] = frozenset()
    without_proof: bool = False
    without_gate: bool = False
    allow_dhcp: bool = False
    diff: bool = False


@dataclass(frozen=True)
class RollbackOptions:
    """``run_id`` is the run to undo, the newest on each node by default."""

    run_id: str | None = None
    force: bool = False
    yes: bool = False


@dataclass(frozen=True)
class VerifyOptions:
    """``pulls`` are images, each instead of its registry's own probe; ``num_workers`` nodes pull at once.

    With ``fallback`` the first node of each generation pulls with the caches down, too; where that fails the node is
    not proven.
    """

    pulls: tuple[str, ...] = ()
    fallback: bool = False
    num_workers: int = 10


@dataclass(frozen=True)
class FinishOptions:
    """``settle_seconds`` are waited once for all nodes that can be confirmed.

    With ``force`` transactions of runs are settled too that may still be at work, on another controller.
    """

    yes: bool = False
    force: bool = False
    settle_seconds: float = 10.0


@dataclass(frozen=True)
class CachesOptions:
    """``prune`` removes caches that are no longer in the table, ``prune_data`` what they had cached as well.

    ``diff`` shows every file's change with the plan.
    """

    dry_run: bool = False
    yes: bool = False
    prune: bool = False
    prune_data: bool = False
    install_docker: bool = False
    diff: bool = False


@dataclass(frozen=True)
class UpkeepOptions:
    """How a garbage collection or a restart by hand goes about it."""

    dry_run: bool = False
    yes: bool = False


@dataclass(frozen=True)
class UnlockOptions:
    """With ``force`` locks of runs are removed too that may still be at work, on another controller."""

    dry_run: bool = False
    yes: bool = False
    force: bool = False
