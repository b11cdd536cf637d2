"""What is wrong with a node, or will bite later."""

from __future__ import annotations

from containerd.diagnose.daemon import UNFINISHED, daemon_findings
from containerd.diagnose.diagnosis import diagnose, doubts
from containerd.diagnose.refusal_checks import refusals

__all__ = ["UNFINISHED", "daemon_findings", "diagnose", "doubts", "refusals"]
