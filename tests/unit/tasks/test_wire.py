"""Values of any bytes, over lines of text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import wire
from tasks.errors import StepFailed

COMMON = (Path(wire.__file__).parent / "sh" / "common.sh").read_text()


@given(st.dictionaries(st.from_regex(r"[a-z/ .:]*[a-z]", fullmatch=True), st.binary(), max_size=4))
def test_what_is_encoded_is_decoded(values: dict[str, bytes]) -> None:
    assert wire.decode(wire.encode(values)) == values


@pytest.mark.parametrize("value", [b"", b"\n", b"a\0b\xffc\r\nd", b"x" * 100_000])
def test_the_shells_emit_is_decoded(value: bytes) -> None:
    script = COMMON + "emit 'a name'"
    done = subprocess.run(["sh", "-c", script], input=value, capture_output=True, check=True)
    assert wire.decode(done.stdout) == {"a name": value}


def test_what_a_shell_prints_at_login_is_passed_over() -> None:
    assert wire.decode(b"Welcome!\n\n=YQ== a\n") == {"a": b"a"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"=YQ== a\nWelcome!\n", "cut short"),
        (b"=YQ=", "cut short"),
        (b"=YQ a\n", "cut short"),
    ],
)
def test_anything_else_is_said(answer: bytes, says: str) -> None:
    with pytest.raises(StepFailed, match=says):
        wire.decode(answer)
