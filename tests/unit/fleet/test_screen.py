"""What people see: printable, one row per node, and what was shown before the question not twice."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nornir.core import Nornir
from nornir.core.inventory import Host, Hosts, Inventory
from nornir.core.processor import Processors
from nornir.core.task import AggregatedResult, MultiResult, Result, Task
from rich.text import Text

from common import Finding, Severity
from fleet import screen as module
from fleet.hints import Hints
from fleet.report import Gate, NodeReport, Outcome, Report
from fleet.screen import ProgressProcessor, Screen, complain
from runbooks.caches.report import CacheReport, CachesReport, Fate, HostReport
from runbooks.status import Standing
from tasks.caches.upkeep import Kept
from tasks.status import State, Status

PROJECT = Path(__file__).parents[3]
ANY = st.text() | st.sampled_from(["\x1b[2K\rworker-9  migrated", "a\nworker-9  migrated", "\u202e", "[red]x[/red]"])


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def shown(
    act: Callable[[Screen], object],
    *,
    quiet: bool = False,
    hints: Hints | None = None,
    stream: type[StringIO] = StringIO,
) -> tuple[str, str]:
    """Return what ``act`` writes to stdout and stderr."""
    out, err = stream(), stream()
    with redirect_stdout(out), redirect_stderr(err):
        act(Screen(quiet=quiet, hints=hints))
    return out.getvalue(), err.getvalue()


def node(text: str) -> NodeReport:
    return NodeReport(Outcome.MIGRATED, text, generation=text, version=text, run=text, diff=text, details=(text, text))


def of_nornir(text: str) -> AggregatedResult:
    results, multi = AggregatedResult("verify"), MultiResult("verify")
    multi.append(Result(Host("worker-1"), result=text, diff=text))
    results["worker-1"] = multi
    return results


def outputs(text: str) -> dict[str, Callable[[Screen], object]]:
    """Return everything that writes to a screen, with ``text`` wherever there is one."""
    report = Report(None, {"worker-1": node(text)}, title=text, gate=Gate(text, (text,)))
    finding = Finding(text, Severity.ERROR, text, text, text)
    host = HostReport({"registry": CacheReport(Fate.FAILED, text)}, findings=(finding,), said=(text,), diff=text)
    caches = CachesReport(None, {"registry-vm": host}, title=text)
    standing = Standing({"worker-1": Status(State.APPLIED, text, text, text, text, text, text, 3)})
    return {
        "result": lambda screen: screen.result(report, as_json=False),
        "json": lambda screen: screen.result(report, as_json=True),
        "plan": lambda screen: screen.plan(report.nodes),
        "caches": caches.show,
        "standing": standing.show,
        "rows": lambda screen: screen.rows(text, (text, text), [(text, Text(text))]),
        "say": lambda screen: screen.say(text),
        "progress": lambda screen: screen.progress(text),
        "verbose": lambda screen: screen.verbose([of_nornir(text)]),
        "complain": lambda _: complain(text),
    }


@settings(max_examples=60, deadline=None)
@given(ANY)
@pytest.mark.parametrize("what", outputs(""))
def test_whatever_a_node_says_only_printable_text_reaches_the_screen(what: str, text: str) -> None:
    for written in shown(outputs(text)[what]):
        assert all(character.isprintable() or character in "\n" for character in written.replace("\t", " "))


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY, min_size=1, max_size=4))
def test_no_text_makes_a_row_of_another_node(texts: list[str]) -> None:
    nodes = {f"worker-{number}": NodeReport(Outcome.FAILED, text) for number, text in enumerate(texts)}
    out, _ = shown(lambda screen: screen.table("Rollout", nodes))
    rows = [line.split(" ")[0] for line in out.splitlines()[2:] if not line.startswith(" ") and line]
    assert rows == list(nodes)


def test_markup_and_emoji_are_anybodys_words() -> None:
    text = "[red]x[/red] [/] :warning: [link=http://x]y[/link]"
    for act in outputs(text).values():
        assert text in "".join(shown(act)).replace("\\n", "\n")


def test_a_plan_is_on_stderr_and_stdout_has_the_whole_result() -> None:
    planned = {"a": NodeReport(Outcome.PLANNED, "config_path", details=("warning x",), diff="+b")}

    def act(screen: Screen) -> None:
        screen.plan(planned)
        screen.result(Report(None, planned), as_json=False)

    out, err = shown(act)
    assert "The plan" in err
    for written in (out, err):
        assert "warning x" in written
        assert "+b" in written


def test_on_a_terminal_nothing_is_shown_twice() -> None:
    planned = NodeReport(Outcome.PLANNED, "config_path", details=("warning x",), diff="+b")
    ended = NodeReport(Outcome.MIGRATED, "CRI ok", details=("warning x", "with the caches down: 1 s"), diff="+b")

    def act(screen: Screen) -> None:
        screen.plan({"a": planned})
        screen.result(Report(None, {"a": ended}), as_json=False)

    out, err = shown(act, stream=Terminal)
    assert ("warning x" in err, "+b" in err) == (True, True)
    assert ("warning x" in out, "+b" in out, "with the caches down" in out) == (False, False, True)


def test_with_json_stdout_has_the_document_alone() -> None:
    def act(screen: Screen) -> None:
        for name, output in outputs("\x7f it").items():
            if name not in ("json", "result"):
                output(screen)
        screen.result(Report("id", {"a": NodeReport(Outcome.FAILED, "see: python main.py status")}), as_json=True)

    out, _ = shown(act, quiet=True, hints=Hints("python3 main.py", "ours"))
    assert json.loads(out)["nodes"]["a"]["reason"] == "see: python3 main.py status --inventory ours"


@pytest.mark.parametrize("stdin", [None, StringIO()])
def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, stdin: StringIO | None) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    shown(lambda screen: pytest.fail("asked") if not screen.agreed("Change 2 nodes?", "2") else None)
    closed = StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    assert not Screen().can_ask


ALLOWED = {"main.py", "fleet/screen.py", "lab/cli.py", "lab/demo.py"}
"""Where text is printed: the screen, the front door's JSON of an error, the lab, and the demo's own words."""


def test_nothing_else_prints() -> None:
    packages = ("caches", "commands", "containerd", "fleet", "lab", "runbooks", "tasks", "templates")
    files = [PROJECT / "main.py", *(path for name in packages for path in (PROJECT / name).rglob("*.py"))]
    assert len(files) > 100
    writing = {str(path.relative_to(PROJECT)) for path in files if any(map(_prints, ast.walk(_parsed(path))))}
    assert writing == ALLOWED


def _parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def _prints(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    streams = ("sys.stdout.write", "sys.stderr.write", "self._out.file.write", "traceback.print_exc", "warnings.warn")
    return called in ("print", "typer.echo", "typer.secho", *streams) or called.lower().endswith("console.print")


def test_the_screen_hands_its_consoles_made_text_only() -> None:
    calls = [it for it in ast.walk(_parsed(Path(module.__file__))) if isinstance(it, ast.Call)]
    printed = [ast.unparse(it.args[0]) for it in calls if ast.unparse(it.func).lower().endswith("console.print")]
    assert sorted(printed) == [
        "Text(line, style=_DIFF_COLOURS.get(line[:1], ''))",
        "Text(self._printable(text))",
        "table",
    ]


def test_no_credential_reaches_either_stream(capsys: pytest.CaptureFixture[str]) -> None:
    secret = "http://u:hunter2@h/v2/?token=hunter2 and Bearer hunter2"
    screen = Screen()
    screen.say(secret)
    screen.progress(secret)
    screen.rows(secret, ("node",), [(secret,)])
    screen.document(json.dumps({secret: [secret]}))
    out, err = capsys.readouterr()
    assert "hunter2" not in out + err
    assert "****" in out
    assert "****" in err


@pytest.mark.parametrize(
    ("result", "failed", "word"),
    [
        (None, False, "done"),
        (Kept(skipped=False, said=""), False, "done"),
        (Kept(skipped=True, said=""), False, "skipped"),
        (None, True, "failed"),
    ],
)
def test_a_step_that_was_skipped_is_not_called_done(
    capsys: pytest.CaptureFixture[str], result: object, failed: bool, word: str
) -> None:
    host = Host(name="vm-1")
    nornir, none = Nornir(Inventory(Hosts({}))), Processors([])
    above = Task(str, nornir, False, none, name="upkeep")
    task = Task(str, nornir, False, none, name="cache-restart", parent_task=above)
    results = MultiResult("cache-restart")
    results.append(Result(host=host, result=result, failed=failed))
    ProgressProcessor(Screen()).subtask_instance_completed(task, host, results)
    assert capsys.readouterr().err == f"vm-1: cache-restart {word}\n"
