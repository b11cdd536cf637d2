"""What is wrong with a node, or will bite later."""

from __future__ import annotations

from containerd.diagnose.daemon import UNFINISHED, bound_findings, daemon_findings, proxy_findings
from containerd.diagnose.diagnosis import diagnose, doubts
from containerd.diagnose.refusal_checks import refusals

__all__ = ["UNFINISHED", "bound_findings", "daemon_findings", "diagnose", "doubts", "proxy_findings", "refusals"]
