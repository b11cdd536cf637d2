"""Where in a run a fault strikes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A line of the journal: a step's begin or end. ``rolls_back`` says that only a run that fails gets there.

    ``state`` is set where a fault strikes in the middle of a script on the node: once the node's transaction says so.
    """

    name: str
    at: str
    rolls_back: bool = False
    state: str = ""


PLAN = Point("plan", "plan:end")
STAGE = Point("stage", "stage:end")
PROVE = Point("prove", "prove:end")
ARM = Point("arm", "arm:end")
SWAP_HOSTS = Point("swap hosts.toml", "swap hosts.toml:end")
SWAP_CONFIG = Point("swap config.toml", "swap config.toml:end")
RESTART = Point("restart", "restart:end")
VERIFY = Point("verify", "verify:end")
CONFIRM = Point("before confirm", "confirm:begin")
ROLLBACK = Point("before rollback", "rollback:begin", rolls_back=True)
AMID_ROLLBACK = Point("amid rollback", "rollback:begin", rolls_back=True, state="rolling_back")

POINTS = (
    *(PLAN, STAGE, PROVE, ARM, SWAP_HOSTS, SWAP_CONFIG, RESTART, VERIFY, CONFIRM),
    *(ROLLBACK, AMID_ROLLBACK),
)
"""Every point at which the matrix kills, cuts and reboots, in the order of a run."""
