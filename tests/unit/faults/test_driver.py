from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from tests.faults.driver import Pause


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "reached", tmp_path / "go"


def test_a_run_waits_at_its_point_until_it_is_told_to_go_on(files: tuple[Path, Path]) -> None:
    reached, go = files
    pause = Pause("restart:end", reached, go)
    pause.at("begin", "restart")
    pause.at("end", "stage")
    assert not reached.exists()
    waiting = Thread(target=pause.at, args=("end", "restart"), daemon=True)
    waiting.start()
    waiting.join(0.1)
    assert reached.exists()
    assert waiting.is_alive()
    go.touch()
    waiting.join(5)
    assert not waiting.is_alive()


def test_the_second_time_of_a_step_is_a_point_of_its_own(files: tuple[Path, Path]) -> None:
    reached, go = files
    go.touch()
    pause = Pause("verify:end#2", reached, go)
    pause.at("end", "verify")
    assert not reached.exists()
    pause.at("end", "verify")
    assert reached.exists()


def test_it_waits_once(files: tuple[Path, Path]) -> None:
    reached, go = files
    go.touch()
    pause = Pause("verify:end", reached, go)
    pause.at("end", "verify")
    reached.unlink()
    pause.at("end", "verify")
    assert not reached.exists()


def test_it_stands_behind_what_writes(files: tuple[Path, Path]) -> None:
    reached, go = files
    go.touch()
    written = []

    class Journal:
        def end(self, node: str, step: str, ok: bool) -> str:
            written.append((node, step, ok, reached.exists()))
            return "written"

    end = Pause("arm:end", reached, go).behind(Journal.end, "end", 2)
    assert end(Journal(), "worker-2", "arm", ok=True) == "written"
    assert written == [("worker-2", "arm", True, False)]
    assert reached.exists()
