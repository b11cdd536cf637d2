from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.model import Generation, cri_health, failure_reason, parse_plugins
from containerd.model.cri import PluginRow
from containerd.model.releases import health_plugins

TWO = """TYPE                                   ID               PLATFORMS      STATUS
io.containerd.content.v1               content          -              ok
io.containerd.snapshotter.v1           aufs             linux/amd64    skip
io.containerd.cri.v1                   images           -              {images}
io.containerd.cri.v1                   runtime          linux/amd64    {runtime}
io.containerd.grpc.v1                  cri              -              {cri}
"""
ONE = """TYPE                            ID                       PLATFORMS      STATUS
io.containerd.content.v1        content                  -              ok
io.containerd.grpc.v1           cri                      linux/amd64    {cri}
"""


def test_rows_have_type_id_and_status() -> None:
    assert parse_plugins(ONE.format(cri="ok")) == (
        PluginRow("io.containerd.content.v1", "content", "ok"),
        PluginRow("io.containerd.grpc.v1", "cri", "ok"),
    )


def test_a_generation_needs_its_plugins() -> None:
    cri = ("io.containerd.grpc.v1", "cri")
    assert health_plugins(Generation.V1_6) == health_plugins(Generation.V1_7) == (cri,)
    assert health_plugins(Generation.V2) == (
        cri,
        ("io.containerd.cri.v1", "images"),
        ("io.containerd.cri.v1", "runtime"),
    )


@pytest.mark.parametrize(
    ("generation", "text", "state", "detail"),
    [
        ("1.6", ONE.format(cri="ok"), "ok", ""),
        ("1.7", ONE.format(cri="error"), "error", "io.containerd.grpc.v1 cri: error"),
        ("1.7", ONE.format(cri="skip"), "error", "io.containerd.grpc.v1 cri: skip"),
        (
            "1.7",
            ONE.replace("io.containerd.grpc.v1 ", "io.containerd.x.v1 "),
            "absent",
            "io.containerd.grpc.v1 cri: absent",
        ),
        ("2", TWO.format(images="ok", runtime="ok", cri="ok"), "ok", ""),
        (
            "2",
            TWO.format(images="error", runtime="ok", cri="error"),
            "error",
            "io.containerd.grpc.v1 cri: error, io.containerd.cri.v1 images: error",
        ),
        ("2", TWO.format(images="ok", runtime="error", cri="ok"), "error", "io.containerd.cri.v1 runtime: error"),
        (
            "2",
            TWO.format(images="ok", runtime="ok", cri="ok").replace("io.containerd.grpc.v1", "io.containerd.other.v1"),
            "absent",
            "io.containerd.grpc.v1 cri: absent",
        ),
        (
            "2",
            ONE.format(cri="ok"),
            "error",
            "io.containerd.cri.v1 images: absent, io.containerd.cri.v1 runtime: absent",
        ),
        ("1.6", "", "absent", "io.containerd.grpc.v1 cri: absent"),
    ],
)
def test_health(generation: str, text: str, state: str, detail: str) -> None:
    health = cri_health(parse_plugins(text), Generation(generation))
    assert (health.state, health.detail) == (state, detail)


DETAIL = """Type:          io.containerd.grpc.v1
ID:            cri
Requires:
               io.containerd.event.v1
               io.containerd.service.v1
Platforms:     linux/amd64
Exports:
               CRIVersion       v1
Error:
               Code:        Unknown
               Message:     invalid plugin config: `mirrors` cannot be set when `config_path` is provided
"""


def test_the_reason_is_in_containerds_own_words() -> None:
    said = "invalid plugin config: `mirrors` cannot be set when `config_path` is provided"
    assert failure_reason(DETAIL) == said
    assert failure_reason(DETAIL + "\nType:          other\nID:            x\n") == said


def test_a_reason_on_several_lines_becomes_one() -> None:
    assert failure_reason("Error:\n   Code:   Unknown\n   Message:  failed to create\n      CNI conf monitor\n") == (
        "failed to create CNI conf monitor"
    )


@pytest.mark.parametrize("text", ["", DETAIL.partition("Error:")[0]])
def test_no_failure_has_no_reason(text: str) -> None:
    assert failure_reason(text) is None


@given(st.text(), st.sampled_from(Generation))
def test_any_text_is_read(text: str, generation: Generation) -> None:
    cri_health(parse_plugins(text), generation)
    assert "\n" not in (failure_reason(text) or "")
