"""What people see: results on stdout, progress and questions on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import TextIO

from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Task
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fleet.report import NodeReport, Outcome, Report

_COLOURS = {
    Outcome.MIGRATED: "green",
    Outcome.PROVEN: "green",
    Outcome.PLANNED: "cyan",
    Outcome.ROLLED_BACK: "yellow",
    Outcome.FAILED: "red",
    Outcome.UNREACHABLE: "red",
    Outcome.UNTOUCHED: "yellow",
}
_DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_PIPE_WIDTH = 200


class Screen:
    """The two streams. With ``quiet`` (``--json``) stdout belongs to the machine, and no table is printed."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)

    def progress(self, text: str) -> None:
        """Write one line of progress to stderr. That nobody reads it any more must not stop what is being done."""
        # rich turns a closed pipe into SystemExit.
        with suppress(OSError, ValueError, SystemExit):
            self._err.print(text, markup=False, soft_wrap=True)

    def table(self, title: str, nodes: Mapping[str, NodeReport]) -> None:
        """Show one row per node on stdout, or on stderr where stdout is the machine's."""
        rows = []
        for name, node in nodes.items():
            outcome = Text(node.outcome.value, style=_COLOURS.get(node.outcome, ""))
            rows.append((name, node.version or node.generation, outcome, node.reason))
        self.rows(title, ("node", "containerd", "outcome", "reason"), rows)

    def rows(self, title: str, headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
        """Show a table, whose first two columns are kept whole, where ``table`` shows its own."""
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, heading in enumerate(headings):
            table.add_column(heading, overflow="fold", no_wrap=number < 2)
        for row in rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        (self._err if self.quiet else self._out).print(table)

    def details(self, nodes: Mapping[str, NodeReport]) -> None:
        """Show diffs and further lines, once for all nodes that have the same."""
        console = self._err if self.quiet else self._out
        alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for name, node in nodes.items():
            alike.setdefault((node.details, node.diff), []).append(name)
        for (lines, diff), names in alike.items():
            if lines or diff:
                console.print(f"{', '.join(names)}:", markup=False, soft_wrap=True)
            for line in lines:
                console.print(f"  {line}", markup=False, soft_wrap=True)
            for line in diff.splitlines():
                console.print(line, style=_DIFF_COLOURS.get(line[:1], ""), markup=False, soft_wrap=True)
            if lines or diff:
                console.print()

    def result(self, report: Report, *, as_json: bool) -> None:
        """Print the report: JSON for machines, or a table and details for people."""
        if as_json:
            sys.stdout.write(report.as_json() + "\n")
            return
        self.table(report.title, report.nodes)
        self._out.print()
        self.details(report.nodes)
        for line in report.gate.lines if report.gate else ():
            self.say(line)
        if report.unrecorded:
            self.say(report.unrecorded)
        self.say(f"{report.sums} (exit code {int(report.exit_code)})")

    def say(self, text: str) -> None:
        """Write one line to stdout."""
        self._out.print(text, markup=False, soft_wrap=True)

    def verbose(self, results: Sequence[AggregatedResult]) -> None:
        """Show Nornir's own view of every step on stderr."""
        if not results:
            return
        # Importing it wraps both streams for good and colours every later line (nornir #571): undone at once.
        import colorama  # noqa: PLC0415
        from nornir_utils.plugins.functions import print_result  # noqa: PLC0415

        colorama.deinit()
        written = StringIO()
        with redirect_stdout(written):
            for result in results:
                print_result(result, severity_level=logging.DEBUG)
        self._err.print(Text.from_ansi(written.getvalue()), soft_wrap=True)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask: a terminal."""
        return sys.stdin.isatty()

    def agreed(self, question: str, answer: str) -> bool:
        """Ask on the terminal; only ``answer``, typed, is a yes. Without a terminal there is nobody to ask: yes."""
        if not self.can_ask:
            return True
        # Not on stderr, which may be redirected into a file.
        with suppress(KeyboardInterrupt, OSError), Path("/dev/tty").open("w", encoding="utf-8") as terminal:
            terminal.write(f"{question} ")
            terminal.flush()
            return sys.stdin.readline().strip() == answer
        return False


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
            self._screen.progress(f"{host.name}: {task.name} {'failed' if result.failed else 'done'}")


def _console(stream: TextIO) -> Console:
    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(file=stream, highlight=False, width=_PIPE_WIDTH, color_system=None)
