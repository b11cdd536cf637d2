"""What is wrong with a node, or will bite later."""

from __future__ import annotations

from containerd.diagnose.daemon import daemon_findings
from containerd.diagnose.diagnosis import diagnose, doubts

__all__ = ["daemon_findings", "diagnose", "doubts"]
