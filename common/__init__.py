"""What every package may use: findings, and the names of images."""

from __future__ import annotations

from common.findings import Finding, Severity, distinct
from common.images import DOCKER_NAMES, NotAnImage, Reference, parse_reference

__all__ = ["DOCKER_NAMES", "Finding", "NotAnImage", "Reference", "Severity", "distinct", "parse_reference"]
