"""Which maintenance locks are in force: the controller and the cache host's scripts agree."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from caches.locks import Lock, in_force
from templates import source

NOW = 1_790_000_000
RUN = "20260214T031502Z-1f3a"


def test_whose_it_is_and_for_how_long() -> None:
    files = {RUN: f"{NOW + 700} run {RUN} of op@host\n", "by-hand": f"{NOW + 5}\n", "expired": f"{NOW} x"}
    assert in_force(str(NOW), files) == (Lock(RUN, "op@host", 700), Lock("by-hand", "somebody", 5))


CASES = [
    ("{+1} x", True),
    ("{+60} run", True),
    ("{+60}", True),
    ("  {+60} run", True),
    ("{+86400} x", True),
    ("{+86500} x", False),
    ("{-1} x", False),
    ("0 x", False),
    ("-5 x", False),
    ("", False),
    ("nonsense", False),
    ("{+60}s x", False),
    ("9999999999 x", False),
    ("99999999999999999999 x", False),
    ("\n{+60} x", False),
    ("{+60} x\n1 y", True),
]


@pytest.mark.parametrize(("content", "locked"), CASES)
def test_the_scripts_agree(tmp_path: Path, content: str, locked: bool) -> None:
    """Both at the same second, or one later: no case expires in between."""
    now = int(time.time())
    for offset in ("+1", "+60", "+86400", "+86500", "-1"):
        late = 10 if offset == "+1" else 0
        content = content.replace(f"{{{offset}}}", str(now + int(offset) + late))
    assert bool(in_force(str(now), {RUN: content})) is locked
    (tmp_path / "hold.d").mkdir()
    (tmp_path / "hold.d" / RUN).write_text(content)
    library = source("caches/caches.sh")
    body = library[library.index("locked() {") :]
    script = f"set -u\nrunning=$1\n{body[: body.index(chr(10) + '}' + chr(10)) + 3]}locked"
    done = subprocess.run(["sh", "-c", script, "sh", str(tmp_path)], check=False, capture_output=True, timeout=10)
    assert (done.returncode == 0, done.stderr) == (locked, b"")


@pytest.mark.parametrize("now", ["", "x", "-1", "9" * 30])
def test_a_clock_that_is_none(now: str) -> None:
    assert in_force(now, {RUN: "1790000700 x"}) == ()
