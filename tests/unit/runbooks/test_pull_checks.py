"""Verify over scripted machines: pulls that went through their cache, and pulls that did not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet.report import Exit
from fleet.screen import Screen
from fleet.stop import Stop
from runbooks.options import RolloutOptions, VerifyOptions
from runbooks.rollout import Rollout
from runbooks.verification import Verification
from runbooks.verify import Verify
from tests.fakes.fleet import WORKERS, FakeFleet, build, ctrl_c, every, outcomes
from tests.fakes.node import emit


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    fakes = build(tmp_path, dict.fromkeys(WORKERS, "1.7") | {"worker-4": "2"})
    Rollout(fakes.fleet, fakes.names, RolloutOptions(settle_seconds=0), fakes.screen).carry_out()
    for machine in (*fakes.nodes.values(), *fakes.hosts.values()):
        machine.calls.clear()
    for container in fakes.hosts["vm-1"].containers.values():
        container.log.clear()
    return fakes


def verify(fakes: FakeFleet, **options: Any) -> Verification:
    return Verify(fakes.fleet, fakes.names, VerifyOptions(**options), fakes.screen).carry_out()


def test_every_pull_went_through_its_cache(fakes: FakeFleet, capsys: pytest.CaptureFixture[str]) -> None:
    found = verify(fakes)
    assert (found.exit_code, outcomes(found.report)) == (Exit.OK, every(fakes.names, "proven"))
    assert {proof.registry for proof in found.proofs["worker-1"]} == {"docker.io", "ghcr.io"}
    found.show(Screen())
    assert "through registry-ghcr on vm-1" in capsys.readouterr().out


def test_the_first_node_pulls_alone_which_fills_the_caches(fakes: FakeFleet) -> None:
    others: list[int] = []

    def look() -> None:
        others.append(sum(len(fakes[name].calls) for name in fakes.names[1:]))

    fakes["worker-1"].when("pull", begins=look)
    # One that may run beside the others is slow enough to be seen beside them.
    fakes["worker-1"].when("facts", delay=0.1, times=1)
    verify(fakes)
    assert others == [0, 0]


def test_with_fallback_the_first_node_of_each_generation_pulls_with_the_caches_down(fakes: FakeFleet) -> None:
    verify(fakes, fallback=True)
    pulls = {name: len(node.called("pull")) for name, node in fakes.nodes.items()}
    assert pulls == {"worker-1": 4, "worker-2": 2, "worker-3": 2, "worker-4": 4}


def test_a_node_that_bypasses_its_caches(fakes: FakeFleet) -> None:
    fakes["worker-2"].bypasses = True
    found = verify(fakes)
    assert found.exit_code is Exit.FAILED
    assert outcomes(found.report) == every(fakes.names, "proven") | {"worker-2": "failed"}
    assert {proof.verdict.value for proof in found.proofs["worker-2"]} == {"past the cache"}


def test_a_pull_that_fails(fakes: FakeFleet) -> None:
    answer = {"left": "", "kept": "", "here": "no", "code": "1", "said": "not found", "times": "1.0 1.1"}
    fakes["worker-2"].when("pull", answer=emit(answer))
    found = verify(fakes)
    assert outcomes(found.report)["worker-2"] == "failed"
    assert "not found" in found.report.nodes["worker-2"].reason


def test_a_pull_that_gets_an_error_of_the_cache_is_tried_once_more(fakes: FakeFleet) -> None:
    """Registry 2.8 answers 500 to one of two that ask for a blob while it is stored."""
    node, container = fakes["worker-2"], fakes.hosts["vm-1"].containers["registry-ghcr"]

    def refused() -> None:
        uri = "/v2/lab/tiny/blobs/sha256:00?ns=ghcr.io"
        container.log.append(f'{node.address} - - [25/Nov/2026:09:00:00 +0000] "GET {uri} HTTP/1.1" 500 2 "" ""')

    node.when("pull", "ghcr.io/lab/tiny:1", times=1, ends=refused)
    found = verify(fakes)
    assert outcomes(found.report)["worker-2"] == "proven"
    assert len([call for call in node.called("pull") if "ghcr.io/lab/tiny:1" in call.args]) == 2


def test_a_cache_whose_log_is_not_there(fakes: FakeFleet) -> None:
    del fakes.hosts["vm-1"].containers["registry-ghcr"]
    found = verify(fakes)
    assert found.exit_code is Exit.FAILED
    assert any("No such container" in proof.reason for proof in found.proofs["worker-1"])


def test_without_a_cache_host_nothing_is_pulled(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].up = False
    found = verify(fakes)
    assert found.exit_code is Exit.UNREACHABLE
    assert not any(node.called("pull") for node in fakes.nodes.values())


def test_nodes_that_cannot_be_asked_and_nodes_whose_cri_is_unhealthy(fakes: FakeFleet) -> None:
    fakes["worker-1"].up = False
    fakes["worker-2"].cri = "error"
    found = verify(fakes)
    changed = {"worker-1": "unreachable", "worker-2": "failed"}
    assert outcomes(found.report) == every(fakes.names, "proven") | changed
    assert not fakes["worker-2"].called("pull")


def test_a_node_without_crictl_pulls_with_ctr_and_says_so(fakes: FakeFleet) -> None:
    fakes["worker-2"].crictl = ""
    found = verify(fakes)
    assert outcomes(found.report)["worker-2"] == "proven"
    assert any("no crictl" in line for line in found.report.nodes["worker-2"].details)


def test_ctrl_c_has_an_outcome_for_every_node(fakes: FakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()
    monkeypatch.setattr("runbooks.verify.Stop", lambda *it: stop if it else Stop())
    fakes["worker-1"].when("pull", times=1, begins=lambda: ctrl_c(stop))
    found = verify(fakes)
    assert found.exit_code is Exit.INTERRUPTED
    assert outcomes(found.report) == {"worker-1": "proven", **every(fakes.names[1:], "untouched")}
