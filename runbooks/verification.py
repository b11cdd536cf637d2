"""What a verification of pulls has found, as a table for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.report import Exit, Report
from fleet.screen import Screen
from runbooks.proofs import Proof, told_of


@dataclass(frozen=True)
class Verification:
    """The proofs of each node on which images were pulled, and a report that has a word for each selected one."""

    proofs: Mapping[str, tuple[Proof, ...]]
    report: Report

    @property
    def exit_code(self) -> Exit:
        """1 where a pull failed or went past its cache, 4 where only nodes or cache hosts are unreachable."""
        return self.report.exit_code

    def as_json(self) -> str:
        """Return it as one JSON document."""
        nodes = {
            name: node.as_dict() | {"pulls": [proof.as_dict() for proof in self.proofs.get(name, ())]}
            for name, node in self.report.nodes.items()
        }
        return json.dumps({"exit": int(self.exit_code), "nodes": nodes}, indent=2)

    def show(self, screen: Screen) -> None:
        """Print it as a table for people: a row for each node and registry."""
        headings = ("node", "containerd", "registry", "verdict", "seconds", "cache down", "reason")
        screen.rows(self.report.title, headings, self._rows())
        screen.say("")
        screen.details(self.report.nodes)
        screen.say(f"{self.report.sums} (exit code {int(self.exit_code)})")

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, node in self.report.nodes.items():
            version = node.version or node.generation
            if name not in self.proofs:
                yield name, version, "", node.outcome.value, "", "", node.reason
            for proof in self.proofs.get(name, ()):
                down = told_of(proof.fallback) if proof.fallback else ""
                yield name, version, proof.registry, proof.verdict.value, f"{proof.seconds:g}", down, proof.reason
