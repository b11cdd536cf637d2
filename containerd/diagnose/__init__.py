"""What is wrong with a node, or will bite later."""

from __future__ import annotations

from containerd.diagnose.daemon import bound_findings, daemon_findings, proxy_findings
from containerd.diagnose.diagnosis import diagnose, doubts

__all__ = ["bound_findings", "daemon_findings", "diagnose", "doubts", "proxy_findings"]
