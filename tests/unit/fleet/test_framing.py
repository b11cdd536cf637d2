"""How a program is read by its length and its answer by its markers, under each shell that a node may have."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time

import pytest

from fleet.framing import Frame

SHELLS = [it for it in (("dash",), ("bash",), ("busybox", "sh")) if shutil.which(it[0])]
shells = pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
LONG = "# " + "x" * 70 + "\n"


def run(shell: tuple[str, ...], frame: Frame, program: str, *args: str, stdin: bytes = b"", cut: int = 0) -> bytes:
    """Run ``program`` as sshd would, without the last ``cut`` bytes of what is sent, and return its stdout."""
    packed = frame.packed(program)
    words = [*shell, *frame.words("test", packed, args)[1:]]
    sent = (packed + stdin)[: -cut or None]
    return subprocess.run(words, input=sent, capture_output=True, check=False, timeout=20).stdout


@shells
def test_a_program_has_the_rest_of_standard_input_for_itself(shell: tuple[str, ...]) -> None:
    """Also where all of it is in the pipe at once, and the program is longer than the pipe."""
    program = LONG * 1000 + 'read -r first; printf "%s|%s|" "$first" "$*"; cat'
    data = b"rm -rf /nowhere\necho not a command\n" + bytes(range(256)) * 300
    answer = run(shell, Frame(), program, "a b", "c", stdin=data)
    first, _, rest = data.partition(b"\n")
    assert answer == first + b"|a b c|" + rest


@shells
@pytest.mark.parametrize("cut", [1, 33, 200])
def test_a_program_that_was_cut_off_on_its_way_is_not_begun(shell: tuple[str, ...], cut: int) -> None:
    assert run(shell, Frame(), "echo begun\n" + LONG * 3, cut=cut) == b""


@shells
@pytest.mark.parametrize(
    ("script", "stdout", "code"),
    [
        ("printf 'no newline'", b"no newline", 0),
        ("echo line; exit 7", b"line\n", 7),
        ("trap 'echo cleaned' EXIT; exit 3", b"cleaned\n", 3),
        ("exec sh -c 'echo other; exit 4'", b"other\n", 4),
        ('printf \'%s:\' "$1" "$2"; cat', b"a b:c:in", 0),
        ("kill -KILL $(sh -c 'echo $PPID')", b"", 137),
    ],
)
def test_a_script_between_the_markers(shell: tuple[str, ...], script: str, stdout: bytes, code: int) -> None:
    frame = Frame()
    answer = frame.answer(run(shell, frame, frame.enclosed(script), "a b", "c", stdin=b"in"))
    assert answer is not None
    assert (answer.stdout, answer.exit_code) == (stdout, code)


@shells
def test_a_script_that_is_stopped_cleans_up(shell: tuple[str, ...]) -> None:
    """`timeout` signals the whole group, and waits for the outer shell."""
    frame = Frame()
    script = "trap 'sleep 0.2; echo cleaned' EXIT; trap 'exit 1' TERM; echo ready; sleep 30 & wait"
    packed = frame.packed(frame.enclosed(script))
    words = ["timeout", "20", *shell, *frame.words("test", packed, ())[1:]]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(packed)
        process.stdin.flush()
        while process.stdout.readline() != b"ready\n":
            pass
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        answer = frame.answer(b"@%s begin\n" % frame.marker.encode() + process.stdout.read())
    assert answer is not None
    assert (answer.stdout, answer.exit_code) == (b"cleaned\n", 1)


FRAME = Frame()
MARK = FRAME.marker.encode()


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        (b"@%s begin\nx\n@%s end 0\n" % (MARK, MARK), (b"x\n", 0)),
        (b"= Welcome =\nno newline @%s begin\nx@%s end 3\nbye\n" % (MARK, MARK), (b"x", 3)),
        (b"@%s begin\n=YQ== a\n=YQ" % MARK, (b"=YQ== a\n=YQ", None)),
        (b"@%s begin\n@%s end" % (MARK, MARK), (b"@%s end" % MARK, None)),
        (b"@%s begin\n@0123 end 1\n@%s end 0\n" % (MARK, MARK), (b"@0123 end 1\n", 0)),
        (b"@0123 begin\nx\n@0123 end 0\n", None),
        (b"sh -c fleet-node %s\n" % MARK, None),
        (b"", None),
    ],
)
def test_the_answer_is_what_is_between_them(printed: bytes, answer: tuple[bytes, int | None] | None) -> None:
    found = FRAME.answer(printed)
    assert (None if found is None else (found.stdout, found.exit_code)) == answer


def test_reports_are_found_once_however_they_arrive() -> None:
    printed = b"hello @%s begin\n=YQ== a\n@%s done arm\n@0123 done x\n=@%s\n@%s end 0\n" % (MARK, MARK, MARK, MARK)
    for step in (1, 7, 40, len(printed)):
        place, found = 0, []
        for end in [*range(0, len(printed), step), len(printed)]:
            reports, place = FRAME.reports(printed[:end], place)
            found += reports
        assert found == ["begin", "done arm", "end 0"]
    answer = FRAME.answer(printed)
    assert answer is not None
    assert answer.stdout == b"=YQ== a\n@0123 done x\n=@%s\n" % MARK


def test_no_two_calls_have_the_same_markers() -> None:
    assert len({Frame().marker for _ in range(100)}) == 100
