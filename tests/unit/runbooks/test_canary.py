"""What a rollout says of a canary's pulls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.report import Exit, NodeReport, Outcome, Report
from runbooks.canary import with_proof
from runbooks.proofs import Proof, Verdict
from runbooks.verification import Verification
from tasks.pull import Pulled

MIGRATED = NodeReport(Outcome.MIGRATED, "CRI ok", details=("a note",))
WELL = Proof("ghcr.io", "ghcr.io/lab/tiny:1", Verdict.PROVEN, "through registry-ghcr on vm", 0.2, Pulled(0.3))
VERIFY = "check again with: python main.py verify --host worker-2"
BACK = "roll it back with: python main.py rollback --host worker-2"
PAST = "but its pulls do not go through the caches: ghcr.io/lab/tiny:1: look there"
UNPROVEN = "but it is not proven that its pulls go through the caches: ghcr.io/lab/tiny:1: look there"


def told(*proofs: Proof, details: tuple[str, ...] = (), why: str = "") -> NodeReport:
    node = NodeReport(Outcome.PROVEN, why, details=details)
    return with_proof("worker-2", MIGRATED, Verification({"worker-2": proofs}, Report(None, {"worker-2": node})))


def test_pulls_that_went_through_their_caches() -> None:
    found = told(WELL, replace(WELL, registry="quay.io"), details=("CRI path unproven (no crictl)",))
    assert found.reason == "CRI ok; 2 of 2 pulls went through their cache"
    assert found.weight is Exit.OK
    fallbacks = "with the caches down: ghcr.io 0.3 s, quay.io 0.3 s"
    assert found.details == ("a note", "CRI path unproven (no crictl)", fallbacks)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.PAST, f"{PAST}; {BACK}"),
        (Verdict.UNPROVEN, f"{UNPROVEN}; {VERIFY}; {BACK}"),
        (Verdict.FAILED, f"{UNPROVEN}; {VERIFY}; {BACK}"),
    ],
)
def test_pulls_that_did_not_and_those_of_which_nobody_knows(verdict: Verdict, words: str) -> None:
    found = told(WELL, replace(WELL, verdict=verdict, reason="look there"))
    assert (found.reason, found.weight) == (f"CRI ok, {words}", Exit.NOT_VERIFIED)


def test_a_cache_host_that_cannot_be_asked() -> None:
    found = told(why="no cache host can be asked: vm: nothing answers")
    assert "but it is not proven that its pulls go through the caches: no cache host can be asked" in found.reason
    assert found.weight is Exit.NOT_VERIFIED


def test_what_is_left_on_the_node_is_said_and_what_a_fallback_did() -> None:
    found = told(replace(WELL, left="the namespace x is left here"), replace(WELL, fallback=Pulled(0.1, "no route")))
    assert found.reason == "CRI ok; 2 of 2 pulls went through their cache; the namespace x is left here"
    assert found.details[1:] == (
        "with the caches down: ghcr.io 0.3 s",
        "with its cache down ghcr.io/lab/tiny:1 does not come: no route",
    )
    here = told(replace(WELL, here=True, fallback=Pulled(0.1, here=True)))
    assert here.reason.endswith("; the content of 1 was on the node already")
    assert here.details[-1] == "with the caches down: ghcr.io (its content was here already)"
