"""What people see: results on stdout, progress and questions on stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TextIO

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task
from rich.console import Console
from rich.table import Table
from rich.text import Text

from common import mask, mask_urls
from fleet.hints import Hints
from fleet.printable import printable, printable_lines
from fleet.report import NodeReport, Outcome, Report

_COLOURS = {
    Outcome.MIGRATED: "green",
    Outcome.PROVEN: "green",
    Outcome.REGROUPED: "green",
    Outcome.PLANNED: "cyan",
    Outcome.ROLLED_BACK: "yellow",
    Outcome.FAILED: "red",
    Outcome.UNREACHABLE: "red",
    Outcome.UNTOUCHED: "yellow",
}
_DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_PIPE_WIDTH = 200
_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """The two streams. With ``quiet`` (``--json``) stdout belongs to the machine, and no table is printed.

    Everything that people read goes through here: printable characters only, no credentials, no markup, and commands
    as they are typed.
    """

    def __init__(self, *, quiet: bool = False, hints: Hints | None = None) -> None:
        self.quiet = quiet
        self._hints = hints or Hints.here()
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)
        self._beforehand = False
        self._shown: set[tuple[str, str]] = set()

    def progress(self, text: str) -> None:
        """Write one line of progress to stderr. That nobody reads it any more must not stop what is being done."""
        # rich turns a closed pipe into SystemExit.
        with suppress(OSError, ValueError, SystemExit):
            self._line(self._err, text)

    def say(self, text: str) -> None:
        """Write one line of the result."""
        self._line(self._console, text)

    def table(self, title: str, nodes: Mapping[str, NodeReport]) -> None:
        """Show one row per node."""
        rows = []
        for name, node in nodes.items():
            outcome = Text(node.outcome.value, style=_COLOURS.get(node.outcome, ""))
            rows.append((name, node.version or node.generation, outcome, node.reason))
        self.rows(title, ("node", "containerd", "outcome", "reason"), rows)

    def rows(self, title: str, headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
        """Show a table, whose first two columns are kept whole."""
        heading = Text(self._printable(title), style="table.title")
        table = Table(title=heading, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, name in enumerate(headings):
            table.add_column(Text(self._printable(name)), overflow="fold", no_wrap=number < 2)
        for row in rows:
            table.add_row(*map(self._cell, row))
        self._console.print(table)

    def details(self, nodes: Mapping[str, NodeReport]) -> None:
        """Show diffs and further lines, once for all nodes that have the same; none that was shown before."""
        alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for name, node in nodes.items():
            alike.setdefault(self._new(name, node.details, node.diff), []).append(name)
        for (lines, diff), names in alike.items():
            if lines or diff:
                self.say(f"{', '.join(names)}:")
                for line in lines:
                    self.say(f"  {line}")
                self.diff(diff)
                self.say("")

    def notes(self, name: str, lines: Sequence[str], diff: str) -> None:
        """Show the lines and the diff of one machine, each line with its name; none that was shown before."""
        fresh, diff = self._new(name, lines, diff)
        for line in fresh:
            self.say(f"{name}: {line}")
        self.diff(diff)

    def diff(self, diff: str) -> None:
        """Show a diff as it is, line by line; only a newline ends a line."""
        for line in printable_lines(diff):
            self._console.print(Text(line, style=_DIFF_COLOURS.get(line[:1], "")), soft_wrap=True)

    def plan(self, nodes: Mapping[str, NodeReport]) -> None:
        """Show what is going to be done, with everything that is to be known before it begins, on stderr."""
        with self.beforehand():
            self.table("The plan", nodes)
            self.say("")
            self.details(nodes)

    @contextmanager
    def beforehand(self) -> Iterator[None]:
        """Show what is shown meanwhile on stderr: it is what is going to be done, and not the result."""
        self._beforehand = True
        try:
            # Nobody need read it for the work to go on.
            with suppress(OSError, ValueError, SystemExit):
                yield
        finally:
            self._beforehand = False
            # Elsewhere the result has to be whole: it may be read without what went to stderr.
            if not (self._out.is_terminal and self._err.is_terminal):
                self._shown.clear()

    def document(self, text: str, *, exact: bool = False) -> None:
        """Write a JSON document to stdout, masked; with ``exact`` every string in it as it is."""
        shown = Hints().in_json(text) if exact else self._hints.in_json(_masked_json(text))
        self._out.file.write(shown + "\n")

    def result(self, report: Report, *, as_json: bool) -> None:
        """Print the report: JSON for machines, or a table and details for people."""
        if as_json:
            self.document(report.as_json())
            return
        self.table(report.title, report.nodes)
        self.say("")
        self.details(report.nodes)
        for line in report.gate.lines if report.gate else ():
            self.say(line)
        if report.unrecorded:
            self.say(report.unrecorded)
        self.say(f"{report.sums} (exit code {int(report.exit_code)})")

    def verbose(self, results: Sequence[AggregatedResult]) -> None:
        """Show Nornir's own view of every step on stderr."""
        if not results:
            return
        # Importing it wraps both streams for good and colours every later line (nornir #571): undone at once.
        streams = sys.stdout, sys.stderr
        from nornir_utils.plugins.functions import print_result  # noqa: PLC0415

        sys.stdout, sys.stderr = streams
        written = StringIO()
        with redirect_stdout(written):
            for result in results:
                print_result(result, severity_level=logging.DEBUG)
        # Its own colours cannot be told from those that a node has written.
        for line in printable_lines(mask(_COLOUR_CODE.sub("", written.getvalue()))):
            self.progress(line)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask: a terminal. A stdin that is closed is none."""
        return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    def agreed(self, question: str, answer: str) -> bool:
        """Ask on the terminal; only ``answer``, typed, is a yes. Without a terminal there is nobody to ask: yes."""
        if not self.can_ask:
            return True
        # Not on stderr, which may be redirected into a file.
        with suppress(KeyboardInterrupt, OSError), Path("/dev/tty").open("w", encoding="utf-8") as terminal:
            terminal.write(f"{self._printable(question)} ")
            terminal.flush()
            return sys.stdin.readline().strip() == answer
        return False

    @property
    def _console(self) -> Console:
        return self._err if self.quiet or self._beforehand else self._out

    def _printable(self, text: str) -> str:
        return printable(mask_urls(self._hints.in_text(text)))

    def _line(self, console: Console, text: str) -> None:
        console.print(Text(self._printable(text)), soft_wrap=True)

    def _cell(self, cell: str | Text) -> Text:
        return Text(self._printable(cell)) if isinstance(cell, str) else Text(printable(cell.plain), style=cell.style)

    def _new(self, name: str, lines: Sequence[str], diff: str) -> tuple[tuple[str, ...], str]:
        """Return what of it was not shown in ``beforehand``; while that lasts, note it."""
        if self._beforehand:
            self._shown |= {(name, text) for text in (*lines, diff)}
            return tuple(lines), diff
        fresh = tuple(line for line in lines if (name, line) not in self._shown)
        return fresh, "" if (name, diff) in self._shown else diff


class ProgressProcessor:
    """A Nornir processor that says on stderr what each node has done, step by step."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def task_started(self, task: Task) -> None:
        """Say nothing."""

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Say nothing."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """Say nothing."""

    def task_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Say nothing."""

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Say nothing."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Say how a step of the node went; what the step did within itself is its own affair."""
        if task.parent_task is not None and task.parent_task.parent_task is None:
            skipped = getattr(result[0].result, "skipped", False)
            how = "failed" if result.failed else "skipped" if skipped is True else "done"
            self._screen.progress(f"{host.name}: {task.name} {how}")


def _masked_json(document: str) -> str:
    """Return a JSON document with every string in it masked by itself, so that it stays JSON."""
    return json.dumps(_masked(json.loads(document)), indent=2)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask_urls(value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {mask_urls(key): _masked(item) for key, item in value.items()}
    return value


def complain(message: str) -> None:
    """Write what ended the program to stderr, line by line."""
    for line in printable_lines(mask_urls(Hints.here().in_text(message))):
        print(line, file=sys.stderr)


def _console(stream: TextIO) -> Console:
    plain = partial(Console, file=stream, markup=False, emoji=False, highlight=False)
    return plain() if stream.isatty() else plain(width=_PIPE_WIDTH, color_system=None)
