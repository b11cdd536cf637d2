"""What is wrong somewhere, or will bite later, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How bad it is: an error breaks pulls or CRI now, a warning will, a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing: its code in kebab case, where it is (`path:line`), and what to do about it. It holds no secret.

    `blocks`: a rollout refuses the node because of it, unless the operator permits it by its code.
    """

    code: str
    severity: Severity
    where: str
    message: str
    fix: str
    blocks: bool = False

    def __str__(self) -> str:
        return f"{self.severity.value} {self.code} ({self.where}): {self.message}; {self.fix}"


def distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without those that say again what one before them says of the same place."""
    known: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        known.setdefault((finding.code, finding.where, finding.message), finding)
    return tuple(known.values())
