"""The errors of this package. Each message is one line, written for the operator."""

from __future__ import annotations

from collections.abc import Iterable

from common import Finding, Severity


class ContainerdError(Exception):
    """Base of every error that this package raises."""


class VersionError(ContainerdError):
    """A version that cannot be read, or that this project does not support."""


class NotToml(ContainerdError):
    """A text is not TOML. The message says where, and never quotes the text (it may hold credentials)."""


class Refused(ContainerdError):
    """Files that cannot be changed safely: the message says what is in the way and what to do.

    `findings` are those that block, each with its place; none where there is one reason and only who catches it knows
    the place. Then `code` is that of its finding, and `key` the path of the setting in its file.
    """

    def __init__(
        self,
        problem: str,
        fix: str = "",
        *,
        code: str = "cannot-be-changed",
        key: tuple[str, ...] = (),
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(f"{problem}: {fix}" if fix else problem)
        self.problem, self.fix, self.code, self.key, self.findings = problem, fix, code, key, findings

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Refused:
        """Return the refusal for all of these findings, each of which blocks."""
        blocking = tuple(findings)
        return cls(". Also: ".join(f"{each.message}; {each.fix}" for each in blocking), findings=blocking)

    def as_findings(self, where: str) -> tuple[Finding, ...]:
        """Return the findings that block; one without a place of its own is at `where`."""
        fix = self.fix or "correct that, and run again"
        return self.findings or (Finding(self.code, Severity.ERROR, where, self.problem, fix, blocks=True),)
