"""What became of the caches, host by host, and the exit code that says it in one number."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum

from common import Finding
from fleet.report import Exit, NodeReport, heaviest
from fleet.screen import Screen


class Fate(str, Enum):
    """The one word that each cache ends with."""

    DEPLOYED = "deployed"
    COLLECTED = "collected"
    RESTARTED = "restarted"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    LEFT = "left"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNTOUCHED = "untouched"


@dataclass(frozen=True)
class CacheReport:
    """What became of one cache; ``weight`` is the exit code that it asks for."""

    fate: Fate
    reason: str = ""
    weight: Exit = Exit.OK


@dataclass(frozen=True)
class HostReport:
    """What became of the caches of one host, by their containers' names, or in ``trouble`` why nothing did.

    ``diff`` is masked; ``said`` is about the host's own files.
    """

    caches: Mapping[str, CacheReport] = field(default_factory=dict)
    trouble: NodeReport | None = None
    findings: tuple[Finding, ...] = ()
    said: tuple[str, ...] = ()
    diff: str = ""
    weight: Exit = Exit.OK

    def as_dict(self) -> dict[str, object]:
        """Return it for ``--json``."""
        caches = {name: {"outcome": it.fate.value, "reason": it.reason} for name, it in self.caches.items()}
        told: dict[str, object] = {"caches": caches, "findings": [asdict(it) for it in self.findings]}
        told |= {"outcome": self.trouble.outcome.value, "reason": self.trouble.reason} if self.trouble else {}
        return told | ({"said": list(self.said)} if self.said else {}) | ({"diff": self.diff} if self.diff else {})


@dataclass(frozen=True)
class CachesReport:
    """What became of every cache host; ``run`` is ``None`` where nothing was to be changed.

    ``unrecorded`` says why the journal could not be written to its end.
    """

    run: str | None
    hosts: Mapping[str, HostReport]
    interrupted: bool = False
    title: str = "Caches"
    unrecorded: str = ""

    @property
    def exit_code(self) -> Exit:
        """The heaviest of everything's weights; a journal with gaps is one of 3."""
        weights = {cache.weight for host in self.hosts.values() for cache in host.caches.values()}
        weights |= {host.trouble.weight if host.trouble else host.weight for host in self.hosts.values()}
        weights |= {Exit.NOT_VERIFIED} if self.unrecorded else set()
        return heaviest(weights, interrupted=self.interrupted)

    def with_diffs(self, *, shown: bool) -> CachesReport:
        """Return the report with its diffs, or without."""
        return self if shown else replace(self, hosts={n: replace(it, diff="") for n, it in self.hosts.items()})

    def as_json(self) -> str:
        """Return the report as one JSON document."""
        hosts = {name: host.as_dict() for name, host in self.hosts.items()}
        told = {"run": self.run, "exit": int(self.exit_code), "hosts": hosts}
        return json.dumps(told | ({"unrecorded": self.unrecorded} if self.unrecorded else {}), indent=2)

    def show(self, screen: Screen) -> None:
        """Print it for people, with the sums and the exit code as the last line."""
        self.table(screen, self.title)
        screen.say("")
        if self.unrecorded:
            screen.say(self.unrecorded)
        screen.say(self.sums())

    def table(self, screen: Screen, title: str) -> None:
        """Print it as a table, with what else is to be said below it."""
        rows = [
            (host, name, it.fate.value, it.reason)
            for host, report in self.hosts.items()
            for name, it in report.caches.items()
        ]
        rows += [
            (name, "", it.trouble.outcome.value, it.trouble.reason) for name, it in self.hosts.items() if it.trouble
        ]
        screen.rows(title, ("host", "cache", "outcome", "reason"), rows)
        for name, host in self.hosts.items():
            screen.notes(name, (*host.said, *map(str, host.findings)), host.diff)

    def sums(self) -> str:
        """How many caches ended with which word, and the exit code."""
        counted = Counter(cache.fate for host in self.hosts.values() for cache in host.caches.values())
        words = [f"{counted[fate]} {fate.value}" for fate in Fate if counted[fate]]
        return f"{', '.join(words) or 'nothing'} (exit code {int(self.exit_code)})"
