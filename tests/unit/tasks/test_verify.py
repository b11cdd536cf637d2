"""What keeps a node that was changed from being confirmed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.report import Exit, NodeReport
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tests.fakes.fleet import FakeFleet, build
from tests.fakes.node import CONFIG, emit

NODE = "worker-1"
NOT_READY = {"type": "RuntimeReady", "status": False, "reason": "CNI", "message": "is not there"}
MIRROR = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]\n  endpoint = ["http://x"]\n'

# What the script answers besides, and the words in the reason.
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a plugin that failed": ({"plugins": "io.containerd.grpc.v1 cri linux/amd64 error"}, "CRI is error"),
    "a plugin that is not there": ({"plugins": ""}, "CRI is absent"),
    "a file of somebody else's": ({"changed": f"{CONFIG}\n"}, f"{CONFIG} is not what was put there"),
    "another configuration in effect": ({"dump": MIRROR}, "does not run what was planned"),
    "another containerd": ({"again": "yes"}, "not the containerd that the run started"),
    "crictl fails": ({"crictl_exit": "1", "crictl_complaint": "no such service"}, "no such service"),
    "crictl is not ready": ({"crictl": json.dumps({"status": {"conditions": [NOT_READY]}})}, "CNI is not there"),
    "kubelet is gone": ({"kubelet": "failed"}, "kubelet ran before"),
}


def result(fakes: FakeFleet) -> NodeReport:
    options = RolloutOptions(settle_seconds=0, without_gate=True)
    return Rollout(fakes.fleet, [NODE], options, fakes.screen).carry_out().nodes[NODE]


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("skip", [0, 1], ids=["after the restart", "after it has settled"])
def test_a_node_that_is_not_as_planned_is_rolled_back(tmp_path: Path, case: str, skip: int) -> None:
    answer, words = WRONG[case]
    fakes = build(tmp_path, {NODE: "1.7"})
    node = fakes[NODE]
    node.when("verify", "after", skip=skip, answer=lambda call: node.do_verify(call) + emit(answer))
    report = result(fakes)
    assert (report.outcome.value, report.weight) == ("rolled_back", Exit.FAILED)
    assert words in report.reason
    assert not node.called("confirm")
    assert node.untouched


@pytest.mark.parametrize("generation", ["1.6", "1.7", "2"])
def test_a_node_of_any_generation_that_is_as_planned_is_confirmed(tmp_path: Path, generation: str) -> None:
    fakes = build(tmp_path, {NODE: generation})
    assert result(fakes).outcome.value == "migrated"
    assert fakes[NODE].state == "confirmed"


def test_a_node_whose_kubelet_and_crictl_did_not_work_before_needs_neither(tmp_path: Path) -> None:
    fakes = build(tmp_path, {NODE: "1.7"})
    fakes[NODE].kubelet, fakes[NODE].crictl = "inactive", ""
    assert result(fakes).outcome.value == "migrated"
