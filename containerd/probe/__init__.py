"""What is asked of a live node beside its files."""

from __future__ import annotations

from containerd.probe.pulling import Way, way_of, where_to_look
from containerd.probe.sandbox_test import Attempt, Proof, Verdict, judge, sandbox
from containerd.probe.shims import lost_shims
from containerd.probe.vendors import managed_by

__all__ = [
    "Attempt",
    "Proof",
    "Verdict",
    "Way",
    "judge",
    "lost_shims",
    "managed_by",
    "sandbox",
    "way_of",
    "where_to_look",
]
