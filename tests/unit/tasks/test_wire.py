"""Values of any bytes, over lines of text."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.model import Generation, VersionError, failure_reason, parse_ctr_version
from containerd.probe import Attempt, lost_shims
from tasks import wire
from tasks.errors import StepFailed
from tasks.wire import message

COMMON = (Path(wire.__file__).parent / "sh" / "common.sh").read_text()


@given(st.dictionaries(st.from_regex(r"[a-z/ .:]*[a-z]", fullmatch=True), st.binary(), max_size=4))
def test_what_is_encoded_is_decoded(values: dict[str, bytes]) -> None:
    assert wire.decode(wire.encode(values)) == values


def test_a_name_may_have_anything_but_a_newline() -> None:
    values = {"file:/etc/a b\tc\rd\x0b\x85": b"x", "file:/é": b"y"}
    assert wire.decode(wire.encode(values)) == values


@pytest.mark.parametrize("value", [b"", b"\n", b"a\0b\xffc\r\nd", b"x" * 100_000])
def test_the_shells_emit_is_decoded(value: bytes) -> None:
    script = COMMON + "emit 'a name'"
    done = subprocess.run(["sh", "-c", script], input=value, capture_output=True, check=True)
    assert wire.decode(done.stdout) == {"a name": value}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"=YQ== a\nWelcome!\n", "cut short"),
        (b"Welcome!\n=YQ== a\n", "cut short"),
        (b"=YQ=", "cut short"),
        (b"=YQ a\n", "cut short"),
    ],
)
def test_anything_else_is_said(answer: bytes, says: str) -> None:
    with pytest.raises(StepFailed, match=says):
        wire.decode(answer)


# Output that a node can write, in which a pattern could read each word again and again.
UNITS = ('error="', 'msg="', "level=", 'level="fatal ', "Server:\n", "Client:\n\tVersion:", "containerd: ", "\\", " ")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", UNITS)
def test_what_programs_write_is_read_in_time_proportional_to_its_length(unit: str) -> None:
    output = message({"x": (unit * (400_000 // len(unit))).encode()}, "x")
    with suppress(VersionError):
        parse_ctr_version(output)
    failure_reason(output)
    lost_shims(output, output)
    assert Attempt("", output, output, alive=False, seconds=20).failure(Generation.V2)


def test_each_line_of_a_message_is_cut() -> None:
    assert message({"x": f" short\n{'x' * 5000} y\nlast ".encode()}, "x") == "short\n…\nlast"
