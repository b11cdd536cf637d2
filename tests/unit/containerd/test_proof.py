from __future__ import annotations

import pytest

from containerd.model import Generation
from containerd.probe import Attempt, Proof, Verdict, judge

OK = "io.containerd.grpc.v1  cri  linux/amd64  ok\n"
DETAILS = """Type:          io.containerd.grpc.v1
ID:            cri
Error:
               Code:        Unknown
               Message:     invalid plugin config: `mirrors` cannot be set
"""


def attempt(plugins: str = OK, details: str = "", log: str = "", alive: bool = True) -> str | None:
    return Attempt(plugins, details, log, alive, 20).failure(Generation.V1_7)


def test_a_daemon_with_a_healthy_cri_has_no_failure() -> None:
    assert attempt() is None
    assert attempt(log='level=error msg="cni config load failed"') is None


def test_a_daemon_whose_cri_does_not_load_says_why() -> None:
    said = attempt(OK.replace("ok", "error"), DETAILS)
    assert said == "invalid plugin config: `mirrors` cannot be set"
    assert attempt(OK.replace("ok", "error")) == "io.containerd.grpc.v1 cri: error"
    assert attempt("io.containerd.grpc.v1  images  -  ok") == "io.containerd.grpc.v1 cri: absent"


def test_2_x_needs_all_of_its_plugins() -> None:
    assert Attempt(OK, "", "", True, 20).failure(Generation.V2) == (
        "io.containerd.cri.v1 images: absent, io.containerd.cri.v1 runtime: absent"
    )


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("containerd: toml: expected newline\n", "toml: expected newline"),
        (
            'time="2026-11-24" level=fatal msg="Failed to run CRI service" error="failed to listen: \\"x\\""\n',
            'Failed to run CRI service: failed to listen: "x"',
        ),
        ('{"error":"no port","level":"fatal","msg":"Failed to run","time":"x"}\n', "Failed to run: no port"),
        ("panic: plugin: no type\n", "panic: plugin: no type"),
        ("", "containerd exits without a word"),
        ('level=error msg="something else"\n', "containerd exits without a word"),
        ("containerd: cannot ask http://user:secret@host/\n", "cannot ask http://****@host/"),
    ],
)
@pytest.mark.parametrize("plugins", ["", OK])
def test_a_daemon_that_exits_has_last_words(log: str, said: str, plugins: str) -> None:
    assert attempt(plugins, log=log, alive=False) == said


def test_a_daemon_that_hangs_has_none() -> None:
    assert attempt("\n") == "containerd did not answer within 20 s"


def test_the_candidates_own_fault_is_told_from_the_sandboxs() -> None:
    assert judge(None, None) == Proof(Verdict.PASSED, "")
    assert judge(None, "a") == Proof(Verdict.PASSED, "")
    assert judge("a", None) == Proof(Verdict.FAILED, "a")
    assert judge("a", "b") == Proof(Verdict.FAILED, "a")
    assert judge("a", "a") == Proof(Verdict.INCONCLUSIVE, "the live files fail alike: a")
