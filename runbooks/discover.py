"""Ask every node for its containerd, and file it under the generation that it really has."""

from __future__ import annotations

from collections.abc import Mapping

from nornir.core.task import MultiResult

from fleet.inventory import GENERATION_GROUPS, Fleet
from fleet.regroup import regroup
from fleet.report import Exit, NodeReport, Outcome, Report
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for
from fleet.stop import Stop
from runbooks.outcomes import failure
from tasks.identify import Identity, identify

_GROUP_OF = {generation: group for group, generation in GENERATION_GROUPS.items()}


def discover(fleet: Fleet, screen: Screen, *, write: bool) -> Report:
    """Compare each node's group with its containerd; with ``write`` correct hosts.yaml, every other byte kept.

    A node ends as ``unchanged`` (filed right), ``planned`` (to be filed elsewhere), ``regrouped`` (filed elsewhere
    now), or as what kept it from answering.
    """
    stop = Stop(screen.progress, reads=True)
    with nornir_for(fleet, fleet.machines, ProgressProcessor(screen), stop) as nornir, stop.listening():
        results = nornir.run(identify)
    wrong: dict[str, str] = {}
    reports: dict[str, NodeReport] = {}
    for name in fleet.machines:
        reports[name] = _compared(fleet, name, results.get(name), wrong)
    if write and wrong:
        reports |= _written(fleet, wrong, reports)
    return Report(None, reports, stop.asked, "Generations")


def _compared(fleet: Fleet, name: str, result: MultiResult | None, wrong: dict[str, str]) -> NodeReport:
    """Report one node, and note in ``wrong`` where it belongs if it is filed elsewhere."""
    if result is None:
        return NodeReport(Outcome.UNTOUCHED, "interrupted before this node was asked")
    if result.failed:
        return failure(result)
    found: Identity = result[0].result
    group, version = _GROUP_OF[found.generation], found.version.text
    filed = sorted(g.name for g in fleet.inventory.hosts[name].extended_groups() if g.name in GENERATION_GROUPS)
    known = NodeReport(Outcome.UNCHANGED, f"filed under {group}", version=version)
    if filed == [group]:
        return known
    wrong[name] = group
    where = " and ".join(filed) or "no generation"
    return NodeReport(Outcome.PLANNED, f"filed under {where}, belongs under {group}", Exit.PENDING, version=version)


def _written(fleet: Fleet, wrong: Mapping[str, str], reports: Mapping[str, NodeReport]) -> dict[str, NodeReport]:
    path = fleet.directory / "hosts.yaml"
    text, left = regroup(path.read_text(encoding="utf-8"), wrong, GENERATION_GROUPS)
    fresh = path.with_suffix(".yaml.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    written = {}
    for name, group in wrong.items():
        version = reports[name].version
        if name in left:
            why = f"belongs under {group}, but its groups are not a plain list in {path}: file it by hand"
            written[name] = NodeReport(Outcome.FAILED, why, Exit.FAILED, version=version)
        else:
            written[name] = NodeReport(Outcome.REGROUPED, f"filed under {group} now", version=version)
    return written
