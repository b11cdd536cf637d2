"""Audit and discover over scripted machines. Both read only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.errors import ForwardingRefused
from fleet.inventory import load
from fleet.report import Exit
from fleet.screen import Screen
from runbooks.audit import Audit, audit
from runbooks.discover import discover
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tests.fakes.fleet import WORKERS, FakeFleet, build, every, outcomes
from tests.fakes.node import CONFIG

READS = {"facts", "caches_ask"}


def audited(fakes: FakeFleet) -> Audit:
    found = audit(fakes.fleet, fakes.names, fakes.screen)
    assert all(set(node.scripts) <= READS for node in fakes.nodes.values())
    return found


def test_nodes_that_a_rollout_would_change(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    found = audited(fakes)
    assert (found.report.exit_code, outcomes(found.report)) == (Exit.PENDING, every(WORKERS, "planned"))
    node = json.loads(found.as_json())["nodes"]["worker-1"]
    assert node["registry"]["mirrors"] == {"*": ["http://192.0.2.1:5000"]}
    assert node["caches"] == {"http://192.0.2.1:5000": "answers", "http://192.0.2.1:5010": "answers"}


def test_nodes_that_are_as_planned(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    Rollout(fakes.fleet, fakes.names, RolloutOptions(settle_seconds=0), fakes.screen).carry_out()
    for node in fakes.nodes.values():
        node.calls.clear()
    found = audited(fakes)
    assert (found.report.exit_code, outcomes(found.report)) == (Exit.OK, every(WORKERS, "unchanged"))


def test_nodes_that_need_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fakes = build(tmp_path, strategies={"worker-3": "skip"})
    fakes["worker-1"].up = False
    fakes["worker-2"].cri = "error"
    fakes["worker-2"].caches = {}
    found = audited(fakes)
    words = {"worker-1": "unreachable", "worker-2": "failed", "worker-3": "skipped"}
    assert outcomes(found.report) == words
    assert "CRI was not ok" in found.report.nodes["worker-2"].reason
    assert any("no answer" in line for line in found.report.nodes["worker-2"].details)
    Screen().result(found.report, as_json=False)
    assert "CRI now: error" in capsys.readouterr().out


def test_a_node_that_forwards_nothing_asks_the_caches_by_itself(tmp_path: Path) -> None:
    def refuse() -> None:
        raise ForwardingRefused("sshd there forwards nothing")

    fakes = build(tmp_path)
    fakes["worker-1"].when("http_status", begins=refuse)
    fakes["worker-2"].when("http_status", begins=refuse)
    fakes["worker-2"].when("caches_ask", fails="there is no bash either")
    found = audited(fakes)
    assert set(found.nodes["worker-1"].caches.values()) == {"answers"}
    assert all("no bash" in answer for answer in found.nodes["worker-2"].caches.values())


def test_nodes_that_are_filed_right_and_wrong(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-2"].when("facts", answer=build(tmp_path / "other", {"n": "2"})["n"].do_facts)
    fakes["worker-3"].when("facts", answer=lambda call: fakes["worker-1"].do_facts(call).replace(b" binary\n", b" x\n"))
    report = discover(fakes.fleet, fakes.screen, write=False)
    assert outcomes(report) == {"worker-1": "unchanged", "worker-2": "planned", "worker-3": "failed"}
    before = (tmp_path / "hosts.yaml").read_text()
    assert outcomes(discover(fakes.fleet, fakes.screen, write=True))["worker-2"] == "regrouped"
    assert (tmp_path / "hosts.yaml").read_text() != before
    assert load(tmp_path).nodes["worker-2"].generation.value == "2"


def test_a_file_that_is_not_toml_is_read_all_the_same(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-1"].write(CONFIG, b"version = [\n")
    found = audited(fakes)
    assert outcomes(found.report)["worker-1"] == "failed"


def test_audit_has_every_finding_that_a_rollout_refuses_for(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    config = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nMirrors = {}\nconfig_path = "certs.d"\n'
    fakes["worker-1"].write(CONFIG, config.encode())
    fakes["worker-1"].cri = "error"
    found = audited(fakes)
    blocking = [finding for finding in found.nodes["worker-1"].findings if finding.blocks]
    assert {"spelled-in-another-case", "config-path-not-absolute", "cri-not-ok"} <= {
        finding.code for finding in blocking
    }
    rollout = Rollout(fakes.fleet, fakes.names, RolloutOptions(settle_seconds=0), fakes.screen).carry_out()
    refused = rollout.nodes["worker-1"]
    assert f"a rollout would refuse: {refused.reason}" == found.report.nodes["worker-1"].reason
    assert [str(finding) for finding in blocking] == list(refused.details)
