"""The matrix as data: which fault strikes at which point on which nodes, and what may come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tests.faults import faults
from tests.faults.faults import Fault
from tests.faults.points import (
    AMID_ROLLBACK,
    ARM,
    CONFIRM,
    PLAN,
    POINTS,
    RESTART,
    ROLLBACK,
    STAGE,
    SWAP_CONFIG,
    SWAP_HOSTS,
    VERIFY,
    Point,
)
from tests.faults.settings import MIDDLE, NEW, OLD_MIRRORS, OLD_PATH, Variant

KILLED = -9
MIGRATED = (0, "migrated")
ROLLED_BACK = (1, "rolled_back")
REFUSED = (1, "failed")
NOT_KNOWN = (3, "failed")
GONE = (4, "unreachable")
DEAD = (KILLED, "")
FINISHED = (130, "migrated")
UNDONE = (130, "rolled_back")
STOPPED = (130, "untouched")

Ends = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Cell:
    """One fault at one point on one kind of node.

    ``ends`` has each exit code of the controller, with the node's outcome, that is right.
    """

    fault: Fault
    point: Point
    variant: Variant
    ends: Ends
    essential: bool = False

    @property
    def id(self) -> str:
        """What pytest calls it."""
        return f"{self.fault.name} / {self.point.name} / {self.variant.name}"


def matrix() -> tuple[Cell, ...]:
    """Return every cell."""
    return tuple(_essential(_all()))


def essential() -> tuple[Cell, ...]:
    """Return every kind of fault once, spread over the generations."""
    return tuple(cell for cell in matrix() if cell.essential)


def _all() -> Iterator[Cell]:
    yield from _cells(faults.CONTROL, [CONFIRM], MIGRATED, everywhere=True)
    for point in POINTS:
        yield from _cells(faults.KILL, [point], DEAD)
        yield from _cells(faults.CUT, [point], *_ends_without_network(point))
        yield from _cells(faults.FREEZE, [point], *_ends_without_network(point))
        yield from _cells(faults.REBOOT, [point], *_ends_of_a_reboot(point))
        yield from _cells(faults.POWER_CUT, [point], *_ends_of_a_reboot(point))
    yield from _cells(faults.FINISH, [PLAN, STAGE, ARM, SWAP_CONFIG, RESTART, VERIFY, CONFIRM, AMID_ROLLBACK], DEAD)
    for fault in faults.OF_CONTAINERD:
        yield from _cells(fault, [PLAN], ROLLED_BACK, everywhere=True)
    yield from _cells(faults.BROKEN_BINARY, [SWAP_CONFIG], NOT_KNOWN)
    yield from _cells(faults.DISK_FULL, [PLAN], REFUSED)
    yield from _cells(faults.DISK_FULL, [ARM, SWAP_HOSTS], *(REFUSED, ROLLED_BACK, MIGRATED))
    yield from _cells(faults.DISK_FULL, [ROLLBACK], ROLLED_BACK)
    yield from _cells(faults.READ_ONLY, [PLAN], REFUSED)
    yield from _cells(faults.READ_ONLY, [STAGE, ARM, SWAP_HOSTS, SWAP_CONFIG, CONFIRM, ROLLBACK], NOT_KNOWN)
    yield from _cells(faults.PERMISSION_LOST, [PLAN, STAGE], REFUSED)
    yield from _cells(faults.PERMISSION_LOST, [ARM, SWAP_CONFIG, RESTART, CONFIRM], *(REFUSED, ROLLED_BACK, NOT_KNOWN))
    yield from _cells(faults.EDIT_BEFORE_SWAP, [PLAN, STAGE, ARM, SWAP_HOSTS], *(REFUSED, ROLLED_BACK))
    yield from _cells(faults.EDIT_AFTER_SWAP, [ROLLBACK], ROLLED_BACK)
    yield from _signals()
    yield from _cells(faults.SECOND, [STAGE, ARM, SWAP_CONFIG, VERIFY, CONFIRM], MIGRATED)


def _signals() -> Iterator[Cell]:
    for fault in (faults.CTRL_C, faults.TERM, faults.HANGUP):
        yield from _cells(fault, [PLAN, STAGE], STOPPED)
        yield from _cells(fault, [ARM, SWAP_CONFIG, RESTART, CONFIRM], FINISHED)
    for fault in (faults.CTRL_C_TWICE, faults.HANGUP_TWICE):
        yield from _cells(fault, [PLAN, STAGE], STOPPED)
        yield from _cells(fault, [ARM, SWAP_HOSTS, SWAP_CONFIG, RESTART, VERIFY], UNDONE)


def _ends_without_network(point: Point) -> Ends:
    """Say what a controller that has lost its node may come to say once the node is back, and has settled."""
    if point in (PLAN, STAGE):
        return (REFUSED, GONE)
    return (ROLLED_BACK,)


def _ends_of_a_reboot(point: Point) -> Ends:
    """Say the same of one whose node has rebooted: what was not armed goes on, or is refused.

    A node that goes down takes a moment: it may have carried out the confirmation, whose answer is lost.
    """
    if point in (PLAN, STAGE):
        return (REFUSED, GONE, MIGRATED)
    if point is CONFIRM:
        return (ROLLED_BACK, MIGRATED)
    return (ROLLED_BACK,)


def _cells(fault: Fault, points: Iterable[Point], *ends: tuple[int, str], everywhere: bool = False) -> Iterator[Cell]:
    """Yield a cell a point and generation; on 1.6 the strategies take turns, or with ``everywhere`` both are tried."""
    for number, point in enumerate(points):
        turns = number + (POINTS.index(point) if point in POINTS else 0)
        old = (OLD_PATH, OLD_MIRRORS) if everywhere else ((OLD_PATH, OLD_MIRRORS)[turns % 2],)
        if point is SWAP_HOSTS:  # with mirrors there is no hosts.toml
            old = (OLD_PATH,)
        for variant in (*old, MIDDLE, NEW):
            yield Cell(fault, point, variant, ends)


OLD = OLD_PATH
ESSENTIAL = {
    faults.CONTROL: {CONFIRM: OLD},
    faults.KILL: {SWAP_CONFIG: OLD, RESTART: MIDDLE, CONFIRM: NEW, ROLLBACK: MIDDLE},
    faults.FINISH: {SWAP_CONFIG: NEW, VERIFY: OLD},
    faults.CUT: {RESTART: NEW, STAGE: OLD},
    faults.FREEZE: {SWAP_CONFIG: MIDDLE},
    faults.REBOOT: {RESTART: MIDDLE, SWAP_CONFIG: NEW},
    faults.POWER_CUT: {SWAP_HOSTS: OLD, VERIFY: NEW},
    faults.NO_START: {PLAN: NEW},
    faults.DIES: {PLAN: MIDDLE},
    faults.HANGS: {PLAN: OLD},
    faults.CRI_ERROR: {PLAN: OLD},
    faults.CRI_DISABLED: {PLAN: MIDDLE},
    faults.START_LIMIT: {PLAN: NEW},
    faults.BROKEN_BINARY: {SWAP_CONFIG: OLD},
    faults.DISK_FULL: {PLAN: MIDDLE, ARM: NEW, ROLLBACK: NEW},
    faults.READ_ONLY: {ARM: MIDDLE, ROLLBACK: NEW},
    faults.PERMISSION_LOST: {RESTART: OLD},
    faults.EDIT_BEFORE_SWAP: {ARM: NEW},
    faults.EDIT_AFTER_SWAP: {ROLLBACK: OLD},
    faults.CTRL_C: {SWAP_CONFIG: OLD},
    faults.CTRL_C_TWICE: {RESTART: MIDDLE},
    faults.TERM: {PLAN: OLD},
    faults.HANGUP: {RESTART: NEW},
    faults.HANGUP_TWICE: {SWAP_CONFIG: OLD},
    faults.SECOND: {SWAP_CONFIG: MIDDLE},
}
"""What `make test` runs: of each fault some points, each on one generation."""


def _essential(cells: Iterable[Cell]) -> Iterator[Cell]:
    left = {
        (fault, point): variant.generation for fault, points in ESSENTIAL.items() for point, variant in points.items()
    }
    for cell in cells:
        chosen = left.get((cell.fault, cell.point)) == cell.variant.generation
        if chosen:
            del left[cell.fault, cell.point]
        yield replace(cell, essential=chosen)
