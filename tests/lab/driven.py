"""The steps of a transaction on one node, one at a time, as a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nornir.core.task import Result, Task

from containerd.decide import NodePlan
from containerd.model import Policy, Strategy
from fleet.inventory import load
from fleet.results import cause
from fleet.session import nornir_for
from fleet.stop import Stop
from tasks.arm import arm
from tasks.plan import plan
from tasks.restart import restart
from tasks.rollback import Mode, RolledBack, rollback
from tasks.run import Run
from tasks.stage import stage
from tasks.swap import swap
from tasks.verify import Verified, check, verify
from tests.lab.nodes import SHIPPED


class Transaction:
    """A transaction of ``config_path`` on a node of any generation. Each step returns its result or raises."""

    def __init__(self, name: str, inventory: Path = SHIPPED, **limits: int) -> None:
        fleet = load(inventory)
        self.run = Run.begin(fleet.transaction.model_copy(update=limits), Stop())
        self._nornir = nornir_for(fleet, [name], [], Stop())
        policy = replace(fleet.policy(name), strategy=Strategy.CONFIG_PATH)
        self._policy: Policy = policy
        self._filed = fleet.nodes[name].generation

    def planned(self) -> Transaction:
        """Plan."""
        self.plan: NodePlan = self._do(plan, filed=self._filed, policy=self._policy)
        return self

    def staged(self) -> Transaction:
        """Plan, and stage that."""
        self.planned().stage()
        return self

    def stage(self) -> None:
        self._do(stage, plan=self.plan, run=self.run)

    def arm(self) -> None:
        self._do(arm, run=self.run)

    def swapped(self) -> Transaction:
        """Plan, stage and arm, and put the new files in place."""
        self.staged().arm()
        for kind in ("hosts", "config"):
            self._do(swap, plan=self.plan, run=self.run, kind=kind)
        return self

    def restart(self) -> None:
        self._do(restart, run=self.run)

    def verify(self) -> Verified:
        verified: Verified = self._do(verify, plan=self.plan, run=self.run)
        return verified

    def rollback(self) -> RolledBack:
        back: RolledBack = self._do(
            rollback, run_id=self.run.id, mode=Mode.REVERT, verify_within=self.run.limits.verify_within
        )
        return back

    def check(self, within: int = 20) -> Verified:
        verified: Verified = self._do(check, run_id=self.run.id, files="before", within=within)
        return verified

    def _do(self, step: Callable[..., Result], **options: Any) -> Any:
        def act(task: Task) -> Result:
            return step(task, **options)

        self._nornir.data.reset_failed_hosts()
        [result] = self._nornir.run(act, name=step.__name__).values()
        error = cause(result)
        if error is not None:
            raise error
        return result[0].result
