"""Timers and ownership run on monotonic time: a clock that somebody sets must neither fire nor delay them.

Nodes of the lab share their machine's clock, so that it cannot be set there for a test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SHELL = Path(__file__).parents[3] / "tasks" / "sh"
WALL_CLOCK = re.compile(r"\bdate\b|--on-calendar|OnCalendar|EPOCH")


def test_the_revert_timer_counts_from_its_start() -> None:
    armed = (SHELL / "arm.sh").read_text()
    assert '--on-active="$2"' in armed
    assert "--timer-property=AccuracySec=100ms" in armed


@pytest.mark.parametrize("script", ["arm", "abandon", "swap", "confirm"])
def test_no_step_of_a_transaction_reads_the_wall_clock(script: str) -> None:
    assert not WALL_CLOCK.search((SHELL / f"{script}.sh").read_text())


def test_deadlines_are_seconds_of_the_boot_that_they_were_set_in() -> None:
    common, staged = (SHELL / "common.sh").read_text(), (SHELL / "stage.sh").read_text()
    assert re.search(r"now\(\) \{\n    cut -d\. -f1 /proc/uptime\n\}", common)
    [deadline] = [line for line in staged.splitlines() if line.startswith("printf 'deadline=")]
    assert "$(now)" in deadline
    assert "$(boot_id)" in deadline
    assert not WALL_CLOCK.search(deadline)
