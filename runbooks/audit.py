"""What is true of every node, what is wrong with it, and what a rollout would do. Reads only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from nornir.core.task import MultiResult, Result, Task

from caches.ports import Ports, port_findings, wrong
from common import Severity
from containerd.model import Strategy
from fleet.inventory import Fleet, Node
from fleet.report import Exit, NodeReport, Outcome, Report
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.caches.nodes import ports_for
from runbooks.outcomes import never_read, not_changed, planned
from tasks.audit import Audited
from tasks.audit import audit as audit_node


@dataclass(frozen=True)
class Audit:
    """The audited nodes, and a report that has a word for each selected one."""

    nodes: Mapping[str, Audited]
    report: Report

    @property
    def sums(self) -> dict[str, dict[str, int]]:
        """How many nodes there are of each outcome, version, CRI state and finding."""
        audited = self.nodes.values()
        return {
            "outcomes": _count(node.outcome.value for node in self.report.nodes.values()),
            "versions": _count(node.facts.daemon.version.text for node in audited),
            "cri": _count(node.facts.cri.state for node in audited),
            "findings": _count(finding.code for node in audited for finding in node.findings),
        }

    def as_json(self) -> str:
        """Return the audit as one JSON document, without any secret."""
        nodes = {name: self._node(name, report) for name, report in self.report.nodes.items()}
        return json.dumps({"exit": int(self.report.exit_code), "nodes": nodes, "sums": self.sums}, indent=2)

    def _node(self, name: str, report: NodeReport) -> dict[str, object]:
        told: dict[str, object] = {"outcome": report.outcome.value, "reason": report.reason, "group": report.generation}
        audited = self.nodes.get(name)
        if audited is None:
            return told
        return told | {
            "version": audited.facts.daemon.version.text,
            "running": audited.facts.daemon.running.text,
            "strategy": report.strategy,
            "registry": asdict(audited.overview) | {"mirrors": dict(audited.overview.mirrors)},
            "cri": {"now": asdict(audited.facts.cri), "predicted": asdict(audited.predicted)},
            "caches": dict(audited.caches),
            "drift": list(audited.drift),
            "findings": [asdict(finding) for finding in audited.findings],
        }


def audit(fleet: Fleet, names: Sequence[str], screen: Screen) -> Audit:
    """Audit the nodes ``names``. A node weighs 5 where a rollout or a person has something to do on it."""

    def audit_one(task: Task) -> Result:
        node = fleet.nodes[task.host.name]
        return audit_node(task, filed=node.generation, policy=fleet.policy(node.name))

    stop = Stop(screen.progress, reads=True)
    with nornir_for(fleet, names, ProgressProcessor(screen), stop) as nornir, stop.listening():
        screen.progress(f"auditing {len(names)} nodes")
        results = nornir.run(audit_one, name="audit")
    ports = ports_for(fleet)
    audited = {name: _compared(name, it[0].result, ports) for name, it in results.items() if not it.failed}
    reports = {name: _report(fleet.nodes[name], results.get(name), audited.get(name)) for name in names}
    return Audit(audited, Report(None, reports, stop.asked, "Audit"))


def _compared(name: str, audited: Audited, ports: Ports) -> Audited:
    """Return what was audited with what is wrong with the endpoints of the node."""
    facts, after = audited.facts, audited.plan.after if audited.plan else None
    findings = port_findings(facts.files, facts.daemon.version, ports, name, after)
    return replace(audited, findings=(*findings, *audited.findings))


def _report(node: Node, result: MultiResult | None, audited: Audited | None) -> NodeReport:
    if result is None:
        return never_read(node)
    if audited is None:
        return not_changed(node, result)
    details = tuple(_lines(audited))
    if audited.plan is None:
        weight = Exit.OK if node.strategy is Strategy.SKIP and not wrong(audited.findings) else Exit.PENDING
        return NodeReport(
            Outcome.FAILED,
            f"a rollout would refuse: {audited.refusal}",
            weight,
            generation=node.generation.value,
            version=audited.facts.daemon.version.text,
            strategy=node.strategy.value,
            details=details,
        )
    report = planned(node, audited.plan)
    broken = any(finding.severity is Severity.ERROR for finding in audited.findings)
    # Nothing is done on a skipped node, but wrong images concern whoever moved the caches.
    counts = wrong(audited.findings) if node.strategy is Strategy.SKIP else broken
    weight = Exit.PENDING if counts else report.weight
    return NodeReport(
        report.outcome, report.reason, weight, report.generation, report.version, report.strategy, details=details
    )


def _lines(audited: Audited) -> list[str]:
    """What people read of one node besides its row."""
    cri, predicted = audited.facts.cri, audited.predicted
    lines = [
        f"CRI now: {cri.state} {cri.detail}".rstrip(),
        f"CRI as predicted: {predicted.cri} {predicted.reason}".rstrip(),
    ]
    holds = audited.overview
    lines += [f"config_path: {holds.config_path}"] if holds.config_path else []
    lines += [f'mirrors."{name}": {", ".join(endpoints)}' for name, endpoints in holds.mirrors]
    lines += [f"{key} is set at {place}" for key, place in holds.places.items()]
    lines += [f"drift: {path}" for path in audited.drift]
    silent = [url for url, answer in audited.caches.items() if answer != "answers"]
    lines += [f"cache {url}: {audited.caches[url]}" for url in silent]
    return lines + [str(finding) for finding in audited.findings]


def _count(things: Iterable[str]) -> dict[str, int]:
    return dict(Counter(things).most_common())
