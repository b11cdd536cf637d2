"""One transaction on one node: prepare and migrate; and the way back where that fails."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nornir.core.exceptions import NornirSubTaskError
from nornir.core.task import Result, Task

from containerd.decide import NodePlan
from fleet.errors import ConnectionLost, FleetError, Interrupted, NotRecorded, Unreachable
from fleet.results import cause
from fleet.settings import TransactionSettings
from fleet.ssh import remote_of
from tasks.abandon import abandon
from tasks.arm import arm
from tasks.confirm import confirm
from tasks.errors import TaskError
from tasks.prove import prove
from tasks.restart import restart
from tasks.rollback import ROLLBACK_SECONDS, Mode, Restoration, RolledBack, rollback
from tasks.run import Run
from tasks.stage import stage
from tasks.swap import swap
from tasks.verify import Verified, verify

# For how long a node is asked again once its timer must have acted: one that refuses, and one that may be booting.
REFUSING_SECONDS = 30
BOOTING_SECONDS = 180
PAUSE_SECONDS = 3.0
MARGIN_SECONDS = 60


@dataclass(frozen=True)
class Undone:
    """A transaction that failed after the node was changed: why, and what the way back found."""

    reason: str
    way_back: RolledBack


def longest(limits: TransactionSettings, settle_seconds: float) -> float:
    """Return the seconds after which a node is certainly stuck: each step has a limit of its own, well below."""
    steps = limits.restart_within + 2 * limits.verify_within + settle_seconds + 2 * MARGIN_SECONDS
    return steps + limits.revert_after + BOOTING_SECONDS + ROLLBACK_SECONDS


def prepare(task: Task, plan: NodePlan, run: Run, *, without_proof: bool = False) -> Result:
    """Stage ``plan`` on the node and prove it there; the result is the plan. Nothing live changes.

    Raises ``NornirSubTaskError`` where that fails: the node is then as before. With ``without_proof`` a proof that
    says nothing is no failure.
    """
    task.run(stage, plan=plan, run=run)
    try:
        task.run(prove, plan=plan, run=run, accept_inconclusive=without_proof)
    except BaseException:
        task.run(abandon, run=run)
        raise
    return Result(host=task.host, result=plan)


def migrate(task: Task, plan: NodePlan, run: Run, settle_seconds: float) -> Result:
    """Carry out a staged ``plan`` and confirm it; the result is what the verification found, or an ``Undone``.

    A node that is well settles for so many seconds and is verified again. It waits for no other node: its timer would
    take it back meanwhile. Raises ``NotRecorded`` where the journal could not be written before the node was armed.
    """
    try:
        found = _carry_out(task, plan, run, settle_seconds)
    except NotRecorded:
        raise
    except BaseException as error:  # whatever it was, the node must not stay half-changed
        reason = cause(error.result) if isinstance(error, NornirSubTaskError) else error
        way_back = _way_back(task, run, lost=isinstance(reason, (ConnectionLost, Unreachable)))
        if way_back.restoration is not Restoration.CONFIRMED:
            return Result(host=task.host, changed=True, failed=True, result=Undone(_told(reason), way_back))
        # What was lost is the answer to a confirmation that the node has carried out.
        seen = (getattr(each, "result", None) for each in reversed(task.results))
        found = next((each for each in seen if isinstance(each, Verified)), Verified(plan.facts.cri))
    return Result(host=task.host, changed=True, diff=plan.diff, result=found)


def _carry_out(task: Task, plan: NodePlan, run: Run, settle_seconds: float) -> Verified:
    task.run(arm, run=run)
    for kind, name in (("hosts", "swap hosts.toml"), ("config", "swap config.toml")):
        if any(file.kind == kind for file in plan.files):
            _heed(run)
            task.run(swap, name=name, plan=plan, run=run, kind=kind)
    _heed(run)
    if plan.restart:
        task.run(restart, run=run)
        _heed(run)
    task.run(verify, plan=plan, run=run)
    if plan.restart:
        run.stop.wait(settle_seconds)
    _heed(run)
    found: Verified = task.run(verify, plan=plan, run=run)[0].result
    task.run(confirm, run=run)
    return found


def _heed(run: Run) -> None:
    if run.stop.urgent:
        raise Interrupted("interrupted by the operator")


def _told(reason: BaseException | None) -> str:
    return str(reason) if isinstance(reason, (TaskError, FleetError)) else f"internal error: {reason!r}"


def _way_back(task: Task, run: Run, *, lost: bool) -> RolledBack:
    """Run the node's own way back; ask a node that was ``lost`` until its timer must have acted."""
    started = time.monotonic()
    found = RolledBack(run.id, Restoration.UNKNOWN, ("the node does not answer",))
    while True:
        if not lost:
            found = _try_back(task, run)
        patience = run.limits.revert_after + (BOOTING_SECONDS if lost else REFUSING_SECONDS)
        # Refused where the node's own timer is at it.
        settled = found.restoration not in (Restoration.UNKNOWN, Restoration.REFUSED)
        if settled or time.monotonic() - started > patience:
            return found
        time.sleep(PAUSE_SECONDS)
        lost = not _connected_again(task)


def _try_back(task: Task, run: Run) -> RolledBack:
    try:
        # The node must not stay broken because somebody edited a file meanwhile: this mode saves that edit.
        within = run.limits.verify_within
        result: RolledBack = task.run(rollback, run_id=run.id, mode=Mode.REVERT, verify_within=within)[0].result
    except NornirSubTaskError as error:
        return RolledBack(run.id, Restoration.UNKNOWN, (_told(cause(error.result)),))
    return result


def _connected_again(task: Task) -> bool:
    try:
        remote_of(task.host).reconnect()
    except Unreachable:
        return False
    return True
