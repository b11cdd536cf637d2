"""What every package may use: findings, masking and differences, and the names of images."""

from __future__ import annotations

from common.diff import unified_diff
from common.findings import Finding, Severity, distinct
from common.images import DOCKER_NAMES, NotAnImage, Reference, parse_reference
from common.masking import MASK, brief, mask
from common.shapes import mask_urls

__all__ = [
    "DOCKER_NAMES",
    "MASK",
    "Finding",
    "NotAnImage",
    "Reference",
    "Severity",
    "brief",
    "distinct",
    "mask",
    "mask_urls",
    "parse_reference",
    "unified_diff",
]
