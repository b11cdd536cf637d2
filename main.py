"""The front door: parse the command line, call one runbook, print what it reports, exit with its code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from fleet.errors import InventoryError, UsageError
from fleet.selection import Selection
from lab.cli import app as lab_app
from runbooks.options import RollbackOptions, RolloutOptions

if TYPE_CHECKING:
    from fleet.inventory import Fleet
    from fleet.report import Report
    from fleet.screen import Screen

EPILOG = (
    "Exit codes: 0 all well · 1 some nodes failed, each untouched or rolled back and verified · 2 usage or inventory "
    "error · 3 a node that was changed is not verified · 4 only unreachable nodes · 5 changes pending · "
    "130 interrupted or not agreed to."
)
# The base of every usage error of typer's parser, which typer does not export by its name.
_ParserError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Move a fleet of containerd nodes from one wildcard mirror to a cache per registry, and leave no node broken.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(lab_app, name="lab")

Groups = Annotated[list[str] | None, typer.Option("--group", help="Nodes of this group; may be repeated.")]
All = Annotated[bool, typer.Option("--all", help="Every node of the inventory.")]
Limit = Annotated[str | None, typer.Option(metavar="NODE,…", help="Of the selected nodes only these.")]
Inventory = Annotated[
    Path,
    typer.Option(
        "--inventory",
        metavar="DIR",
        help="The directory of hosts.yaml, groups.yaml and defaults.yaml.",
        show_default="inventory/ beside main.py",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Plan only, change nothing; exit code 5 if changes are pending.")
]
Diff = Annotated[bool, typer.Option("--diff", help="Show every file's change, secrets masked.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NumWorkers = Annotated[int, typer.Option(min=1, help="How many nodes change at once.")]
Settle = Annotated[
    float, typer.Option(min=0, max=3600, metavar="SECONDS", help="How long a wave settles before it is confirmed.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Nornir's own results of every step, on stderr.")]
SHIPPED_INVENTORY = Path(__file__).parent / "inventory"


@dataclass(frozen=True)
class Output:
    """What is printed of a result, and how."""

    diff: bool = False
    as_json: bool = False
    verbose: bool = False


@app.command(epilog=EPILOG)
def rollout(
    *,
    group: Groups = None,
    all_: All = False,
    limit: Limit = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    dry_run: DryRun = False,
    diff: Diff = False,
    yes: Yes = False,
    num_workers: NumWorkers = 5,
    settle: Settle = 10.0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Migrate nodes: plan all of them, then one canary per generation, then the rest; stop at the first failure.

    A node whose CRI plugin does not load is rolled back at once. Say which nodes: --group or --all.
    """
    selection = Selection(groups=group or (), everything=all_, limit=None if limit is None else _names(limit))
    options = RolloutOptions(dry_run=dry_run, yes=yes, num_workers=num_workers, settle_seconds=settle)
    _migrate(selection, inventory, options, Output(diff, as_json, verbose))


@app.command(epilog=EPILOG)
def canary(
    *,
    host: Annotated[str, typer.Option("--host", help="The one node to migrate.")],
    inventory: Inventory = SHIPPED_INVENTORY,
    dry_run: DryRun = False,
    diff: Diff = False,
    yes: Yes = False,
    settle: Settle = 10.0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Migrate one node, then stop."""
    options = RolloutOptions(dry_run=dry_run, yes=yes, num_workers=1, settle_seconds=settle)
    _migrate(Selection(hosts=[host]), inventory, options, Output(diff, as_json, verbose))


@app.command(epilog=EPILOG)
def rollback(
    *,
    group: Groups = None,
    host: Annotated[list[str] | None, typer.Option("--host", help="This node; may be repeated.")] = None,
    all_: All = False,
    run: Annotated[str, typer.Option(metavar="ID", help="The run to undo; the newest on each node by default.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Go on where files or containerd changed since; the live files are saved.")
    ] = False,
    inventory: Inventory = SHIPPED_INVENTORY,
    yes: Yes = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Emergency: every selected node restores its own backup, all in parallel. Repeating it does no harm.

    Needs nothing but SSH and the backup on the node. See runbooks/EMERGENCY.md.
    """
    options = RollbackOptions(run_id=run or None, force=force, yes=yes)

    def act(fleet: Fleet, names: tuple[str, ...], screen: Screen) -> Report:
        from runbooks.rollback import rollback as runbook  # noqa: PLC0415

        report, results = runbook(fleet, names, options, screen)
        screen.verbose([results] if verbose else [])
        return report

    selection = Selection(groups=group or (), hosts=host or (), everything=all_)
    _run(selection, inventory, act, as_json=as_json)


inventory_app = typer.Typer(help="The inventory: is it right, and is it true?", no_args_is_help=True)
app.add_typer(inventory_app, name="inventory")


@inventory_app.command(epilog=EPILOG)
def check(*, inventory: Inventory = SHIPPED_INVENTORY, as_json: AsJson = False) -> None:
    """Check hosts.yaml, groups.yaml and defaults.yaml; connect nowhere."""
    from fleet.inventory import load  # noqa: PLC0415

    fleet = load(inventory)
    groups = Counter(f"containerd-{node.generation.value}" for node in fleet.nodes.values())
    if as_json:
        print(json.dumps({"exit": 0, "nodes": len(fleet.nodes), "groups": dict(groups)}))
    else:
        filed = ", ".join(f"{number} in {group}" for group, number in sorted(groups.items()))
        print(f"{inventory}: {len(fleet.nodes)} nodes ({filed}), {len(fleet.registries)} registries, no mistake")


@inventory_app.command(epilog=EPILOG)
def discover(
    *,
    inventory: Inventory = SHIPPED_INVENTORY,
    write: Annotated[bool, typer.Option("--write", help="Correct hosts.yaml; comments and layout stay.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask every node for its containerd and show which group it belongs in. Exit code 5 where one is filed wrongly."""
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415
    from runbooks.discover import discover as runbook  # noqa: PLC0415

    fleet = load(inventory, filed=False)
    _refuse_lab_that_is_down(fleet)
    screen = Screen(quiet=as_json)
    _finish(runbook(fleet, screen, write=write), screen, as_json=as_json)


def _migrate(selection: Selection, inventory: Path, options: RolloutOptions, output: Output) -> None:
    def act(fleet: Fleet, names: tuple[str, ...], screen: Screen) -> Report:
        from runbooks.rollout import Rollout  # noqa: PLC0415

        runbook = Rollout(fleet, names, options, screen)
        report = runbook.carry_out()
        screen.verbose(runbook.results if output.verbose else [])
        return report.with_diffs(shown=output.diff)

    _run(selection, inventory, act, as_json=output.as_json)


def _run(
    selection: Selection, inventory: Path, act: Callable[[Fleet, tuple[str, ...], Screen], Report], *, as_json: bool
) -> NoReturn:
    """Load and check the inventory, let ``act`` do it to the selected nodes, print its report and exit."""
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415

    fleet = load(inventory)
    names = selection.names(fleet)
    _refuse_lab_that_is_down(fleet)
    screen = Screen(quiet=as_json)
    _finish(act(fleet, names, screen), screen, as_json=as_json)


def _finish(report: Report, screen: Screen, *, as_json: bool) -> NoReturn:
    try:
        screen.result(report, as_json=as_json)
        sys.stdout.flush()
    except (OSError, SystemExit):
        # Whoever read the output has gone; the exit code still says what became of the nodes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(int(report.exit_code))


def _refuse_lab_that_is_down(fleet: Fleet) -> None:
    """While the lab is down its addresses could be somebody else's: nothing may connect to them."""
    from lab.state import is_up  # noqa: PLC0415

    if fleet.lab and not is_up():
        message = "this is the lab's inventory, and the lab is down; start it with: python main.py lab up"
        raise InventoryError(message, str(fleet.directory / "defaults.yaml"), key="data.lab")


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def main() -> None:
    """Run the command line; a usage or inventory error is one line on stderr, or JSON on stdout with ``--json``."""
    try:
        code = app(standalone_mode=False)
    except _ParserError as error:
        _usage(_of_parser(error))
    except UsageError as error:
        _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception:  # a bug of ours
        traceback.print_exc()
        print("internal error: please report the lines above", file=sys.stderr)
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)


def _of_parser(error: Exception) -> UsageError:
    """Say a mistake that typer's parser found in our words: its message, and the option that it is about."""
    option = getattr(error, "option_name", None) or next(iter(getattr(getattr(error, "param", None), "opts", ())), None)
    return UsageError(str(getattr(error, "format_message", error.__str__)()), key=option)


def _usage(error: UsageError) -> NoReturn:
    if "--json" in sys.argv:
        from fleet.report import error_json  # noqa: PLC0415

        print(error_json(error))
    elif error.args[0]:  # without arguments the help was printed, and there is no more to say
        print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
