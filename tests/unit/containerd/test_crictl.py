from __future__ import annotations

import json

import pytest

from containerd.model import crictl_failure

UNIMPLEMENTED = (
    'time="2026-11-24T10:00:00Z" level=warning msg="Config \\"/etc/crictl.yaml\\" does not exist"\n'
    "FATA[0000] validate service connection: validate CRI v1 runtime API for endpoint "
    '"unix:///run/containerd/containerd.sock": rpc error: code = Unimplemented desc = unknown service '
    "runtime.v1.RuntimeService\n"
)
NETWORK = {"type": "NetworkReady", "status": False, "reason": "NetworkPluginNotReady", "message": "cni not initialized"}


def info(**ready: object) -> str:
    return json.dumps(
        {"status": {"conditions": [NETWORK, {"type": "RuntimeReady", **ready}]}, "config": {"x": "hunter2"}}
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (("0", info(status=True, reason="", message=""), ""), None),
        (
            ("0", info(status=False, reason="Stopped", message="is stopping"), ""),
            "RuntimeReady is false: Stopped is stopping",
        ),
        (("0", info(status=False), ""), "RuntimeReady is false"),
        (("0", "", ""), "its answer has no condition RuntimeReady"),
        (("0", "[]", ""), "its answer has no condition RuntimeReady"),
        (
            ("0", '{"status": {"conditions": [{"password": "hunter2"}]}}', ""),
            "its answer has no condition RuntimeReady",
        ),
        (("124", "", ""), "exit code 124"),
        (("", "", ""), "exit code unknown"),
    ],
)
def test_an_answer(answer: tuple[str, str, str], said: str | None) -> None:
    assert crictl_failure(*answer) == said


def test_its_own_words() -> None:
    said = crictl_failure("1", "", UNIMPLEMENTED)
    assert said is not None
    assert said.startswith("FATA[0000] validate service connection")
    assert said.endswith("unknown service runtime.v1.RuntimeService")
