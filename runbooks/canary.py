"""What a canary has to prove before the next wave: its pulls go through the caches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fleet.inventory import Fleet
from fleet.journal import Journal
from fleet.report import Exit, NodeReport
from fleet.screen import Screen
from fleet.stop import Stop
from runbooks.options import VerifyOptions
from runbooks.proofs import Proof, Verdict, through, told_of
from runbooks.verification import Verification
from runbooks.verify import Verify

STEP = "verify pulls"
UNPROVABLE = "no pull is proven: no registry of the table has a probe"


def prove(fleet: Fleet, name: str, report: NodeReport, *, stop: Stop, journal: Journal, screen: Screen) -> NodeReport:
    """Pull on the node ``name``, which is migrated, and return ``report`` with what that has proven.

    A pull of which it is not proven that it came through its cache makes it one of a node that is not verified. All
    else is only told: what is left or kept there, and how pulls go without the cache, since nodes may be without a way
    out. Raises ``NotRecorded`` where the journal cannot be written: nothing is pulled then.
    """
    if not any(row.probe for row in fleet.rows.values()):
        screen.progress(UNPROVABLE)
        return report
    journal.begin(name, STEP)
    began = time.monotonic()
    verification = Verify(fleet, [name], VerifyOptions(fallback=True), screen, stop).carry_out()
    found = report if stop.asked else with_proof(name, report, verification)
    journal.end(name, STEP, found.weight is Exit.OK, time.monotonic() - began, found.reason)
    return found


def with_proof(name: str, report: NodeReport, verification: Verification) -> NodeReport:
    """Return ``report`` of the node ``name``, which is migrated, with what ``verification`` has found of its pulls."""
    proofs = verification.proofs.get(name, ())
    found = verification.report.nodes[name]
    with_details = replace(report, details=(*report.details, *found.details, *_fallbacks(proofs)))
    unproven = [proof for proof in proofs if proof.verdict is not Verdict.PROVEN]
    if unproven or not proofs:
        why = "; ".join(f"{it.image}: {it.reason}" for it in unproven) or found.reason
        return replace(with_details, reason=f"{report.reason}, {_but(name, unproven, why)}", weight=Exit.NOT_VERIFIED)
    left = "".join(f"; {proof.left}" for proof in proofs if proof.left)
    return replace(with_details, reason=f"{report.reason}; {through(proofs)}{left}")


def _but(name: str, unproven: Sequence[Proof], why: str) -> str:
    back = f"roll it back with: python main.py rollback --host {name}"
    if any(proof.verdict is Verdict.PAST for proof in unproven):
        return f"but its pulls do not go through the caches: {why}; {back}"
    again = f"check again with: python main.py verify --host {name}"
    return f"but it is not proven that its pulls go through the caches: {why}; {again}; {back}"


def _fallbacks(proofs: Sequence[Proof]) -> Iterator[str]:
    tried = [(proof, proof.fallback) for proof in proofs if proof.fallback]
    came = [f"{proof.registry} {told_of(past)}" for proof, past in tried if not past.error]
    if came:
        yield f"with the caches down: {', '.join(came)}"
    yield from (f"with its cache down {proof.image} does not come: {past.error}" for proof, past in tried if past.error)
