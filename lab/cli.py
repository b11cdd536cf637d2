"""The commands of `main.py lab`."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from fleet.printable import printable_lines
from lab import control, health, inventory, paths, state, topology
from lab.errors import LabError
from lab.health import Status

app = typer.Typer(
    help="A fleet of real nodes on this machine, to try everything on. Needs root on Linux.", no_args_is_help=True
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NODE]...", help="Nodes; all when none is named.")]
PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@app.command()
def up(workers: Annotated[int, typer.Option(help="How many workers to have besides the default nodes.")] = 0) -> None:
    """Start the nodes, and wait until each answers on SSH and has CRI ok. What runs already stays as it is."""
    with _reporting():
        nodes = control.up(workers)
        where = inventory.SHIPPED if len(nodes) == len(topology.fleet()) else inventory.write(nodes)
        told = f"{sum(node.generation is not None for node in nodes)} nodes, a cache host and its upstream"
        _say(f"the lab is up: {told}; use --inventory {os.path.relpath(where)}")


@app.command()
def down(force: Annotated[bool, typer.Option("--force", help="Even when another checkout has it up.")] = False) -> None:
    """End the nodes and remove all they had: processes, mounts, networks. Also clears what a crash has left."""
    with _reporting():
        _say("the lab is down" if control.down(force) else "the lab was down already")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Show each machine: whether it is up, its containerd and the state of its CRI, or what it serves."""
    with _reporting():
        state.require_able()
        rows = health.statuses(control.select(control.nodes(), ()))
        if as_json:
            typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        else:
            _say(_table(rows))


@app.command(context_settings=PASS_ON)
def shell(
    node: Annotated[str, typer.Argument(help="The node to log in to.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[CMD]...", help="Run this instead of a shell.")
    ] = None,
) -> None:
    """Log in to a node over SSH as root, or run a command there; its exit code is passed on."""
    with _reporting():
        state.require_able()
        (chosen,) = control.select(control.nodes(), [node])
        if not state.is_up(node):
            raise LabError(f"{node} is down: `lab up` starts it")
        options = [
            f"UserKnownHostsFile={paths.KNOWN_HOSTS}",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
        ]
        flags = [word for option in options for word in ("-o", option)]
        login = ["ssh", "-F", "none", "-i", str(paths.KEY), *flags, f"root@{chosen.address}", "--", *(command or [])]
        os.execvp("ssh", login)  # noqa: S606


@app.command()
def reset(names: Names = None) -> None:
    """Give nodes a fresh file system: every file as it was at first, and the same SSH host key."""
    with _reporting():
        control.reset(names or [])
        _say(f"as new: {', '.join(names) if names else 'all nodes'}")


@contextmanager
def _reporting() -> Iterator[None]:
    """Show progress on stderr, and turn what goes wrong into one line and an exit code."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("lab: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("lab").setLevel(logging.INFO)
    try:
        yield
    except LabError as error:
        _say(f"lab: {error}", error=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        _say("lab: interrupted; `lab down` clears what was started", error=True)
        raise typer.Exit(130) from None
    except OSError as error:
        _say(f"lab: {error}", error=True)
        raise typer.Exit(1) from None


def _say(text: str, *, error: bool = False) -> None:
    """Write lines of which a node may have had a part."""
    for line in printable_lines(text):
        typer.echo(line, err=error)


class _Printable(logging.Formatter):
    """Lines of progress, of which a node may have had a part."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(printable_lines(super().format(record)))


def _table(rows: Sequence[Status]) -> str:
    """Return the rows as aligned columns under a heading."""
    cells = [("NODE", "GENERATION", "ADDRESS", "STATE", "CONTAINERD", "CRI", "SERVES")]
    for row in rows:
        state_now = "up" if row.up else "down"
        told = (row.containerd or "-", row.cri or "-", row.serves or "-")
        cells.append((row.node, row.generation, row.address, state_now, *told))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)
