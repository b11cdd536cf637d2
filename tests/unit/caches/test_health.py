"""What is wrong with a cache, from what was seen of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from caches.health import LOOP_SECONDS, Health, Seen, examine, host_findings
from caches.plan import Consent, File, plan_host
from caches.present import HostFacts
from tests.unit.caches.samples import container, spec, wanted

GHCR = wanted(spec())
NOW = 1_795_000_000
THERE = replace(container(GHCR), created=NOW - 86400, started=NOW - 86400)
FACTS = HostFacts("26", (THERE,), {"registry:2": "sha256:1"}, files={GHCR.spec.config_file: GHCR.config}, now=NOW)
WELL = Seen("https://ghcr.io", 20, 3, "{}", 10, "ok", 3600, 200, 405, 12)


def codes(health: Health) -> list[str]:
    return [finding.code for finding in health.findings]


def test_one_that_is_well() -> None:
    health = examine(FACTS, GHCR, WELL)
    assert health.well
    assert not health.findings


WRONG: dict[str, tuple[dict[str, Any], str, bool]] = {
    "no answer": ({"answer": None, "upload": None}, "no-answer", False),
    "an answer of somebody else": ({"answer": 404, "upload": 404}, "no-answer", False),
    "no proxy": ({"upload": 202}, "no-proxy", False),
    "another upstream": ({"proxied": "https://quay.io"}, "other-upstream", False),
    "a catalog that is not answered": ({"catalog": None}, "no-catalog", False),
    "no state beside what is cached": ({"state": None}, "no-state", True),
    "a full disk": ({"disk": 97}, "disk-full", False),
    "a disk that fills": ({"disk": 85}, "disk-full", True),
    "no inodes": ({"inodes": 100}, "inodes-full", False),
    "an empty state": ({"state": ""}, "broken-state", False),
    "a state that was cut short": ({"state": '{"a":'}, "broken-state", False),
    "a state that is no object": ({"state": "[]"}, "broken-state", False),
    "a failed collection": ({"collected": "failed with 1: x"}, "gc-failed", True),
    "an old collection": ({"collected_age": 30 * 86400}, "gc-old", True),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong(case: str) -> None:
    seen, code, well = WRONG[case]
    health = examine(FACTS, GHCR, replace(WELL, **seen))
    assert (codes(health), health.well) == ([code], well)


def test_one_that_a_collection_has_stopped_is_not_to_be_started() -> None:
    stopped = replace(FACTS, containers=(container(GHCR, State={"Status": "exited"}),))
    seen = replace(WELL, answer=None, busy="the garbage collection of registry-ghcr")
    [finding] = examine(stopped, GHCR, seen).findings
    assert (finding.code, finding.fix) == ("busy", "ask again when it is done")
    assert finding.message == "the garbage collection of registry-ghcr is at work"


@pytest.mark.parametrize("seen", [{"state": None, "catalog": 0}, {"state": "null"}, {"proxied": ""}, {"proxied": "https://ghcr.io/"},
                                  {"collected": "", "collected_age": None}, {"disk": None, "inodes": None},
                                  {"answer": 401}])  # fmt: skip
def test_what_is_not_wrong(seen: dict[str, Any]) -> None:
    assert not examine(FACTS, GHCR, replace(WELL, **seen)).findings


def test_the_container_itself() -> None:
    def with_(**more: Any) -> Health:
        return examine(replace(FACTS, containers=(replace(THERE, **more),)), GHCR, WELL)

    assert codes(with_(status="restarting", restarts=9)) == ["not-running"]
    assert (codes(with_(restarts=2)), with_(restarts=2).well) == (["restarts"], True)
    loop = with_(restarts=400, started=NOW - LOOP_SECONDS + 1)
    assert (codes(loop), loop.well) == (["restart-loop"], False)
    assert not with_(started=NOW - 1).findings
    assert codes(with_(ports=frozenset({("", 5011)}))) == ["drift"]
    assert codes(examine(replace(FACTS, containers=()), GHCR, Seen())) == ["no-container"]


def test_one_that_was_never_collected() -> None:
    old = replace(FACTS, containers=(replace(THERE, created=NOW - 9 * 86400),))
    never = replace(WELL, collected="", collected_age=None)
    assert codes(examine(old, GHCR, never)) == ["gc-old"]
    assert not examine(old, GHCR, never, collects=False).findings
    assert not examine(FACTS, GHCR, replace(WELL, collected_age=30 * 86400), collects=False).findings


def test_a_host_whose_docker_does_not_answer() -> None:
    health = examine(replace(FACTS, docker="", containers=()), GHCR, Seen())
    assert (codes(health), health.status, health.well) == (["no-docker"], "unknown", False)


def test_what_a_deploy_would_put_right_on_the_host() -> None:
    file = File("/etc/cron.d/x", "a\n")
    left = replace(FACTS, containers=(THERE, replace(THERE, name="registry-quay")))
    for facts, found in ((FACTS, []), (left, ["left"])):
        there = replace(facts, files={**facts.files, file.path: file.text})
        assert [it.code for it in host_findings(plan_host(there, [GHCR], lambda _: [file], Consent()))] == found
        gone = host_findings(plan_host(facts, [GHCR], lambda _: [file], Consent()))
        assert [it.code for it in gone] == ["upkeep", *found]


def test_a_node_that_does_not_reach_it() -> None:
    assert not replace(examine(FACTS, GHCR, WELL), unreachable={"worker-2": "no answer"}).well
