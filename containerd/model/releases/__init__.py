"""What each release of containerd does: the one place that compares versions. Everything else asks `release_of`.

A release is a row of `lines_1` or `lines_2`: what it adds to the one before it, and who says so. To add a release, add
a row and its cases.
"""

from __future__ import annotations

from containerd.model.releases.lookup import check_major, doubt_of, generation_of, health_plugins, is_known, release_of
from containerd.model.releases.record import CRI, IMAGES, RUNTIME, HostsFile, Release, Row

__all__ = [
    "CRI",
    "IMAGES",
    "RUNTIME",
    "HostsFile",
    "Release",
    "Row",
    "check_major",
    "doubt_of",
    "generation_of",
    "health_plugins",
    "is_known",
    "release_of",
]
