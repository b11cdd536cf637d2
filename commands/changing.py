"""The commands that change machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.ending import run_on
from commands.options import (
    AcceptLoss,
    All,
    AllowDhcp,
    AllowRestartOf,
    AllowVersionChange,
    AsJson,
    Diff,
    DryRun,
    Groups,
    Inventory,
    Limit,
    NumWorkers,
    Output,
    Settle,
    Verbose,
    WithoutGate,
    WithoutProof,
    Yes,
    accepted,
    names,
    units,
)
from fleet.hints import SHIPPED_INVENTORY
from fleet.selection import Selection
from runbooks.options import FinishOptions, RollbackOptions, RolloutOptions

if TYPE_CHECKING:
    from fleet.inventory import Fleet
    from fleet.report import Report
    from fleet.screen import Screen


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
    accept_loss: AcceptLoss = None,
    allow_version_change: AllowVersionChange = False,
    allow_restart_of: AllowRestartOf = None,
    without_proof: WithoutProof = False,
    without_gate: WithoutGate = False,
    allow_dhcp: AllowDhcp = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Migrate nodes: plan all of them, then one canary per generation, then the rest; stop at the first failure.

    A node whose CRI plugin does not load is rolled back at once. Say which nodes: --group or --all.
    """
    selection = Selection(groups=group or (), everything=all_, limit=names(limit))
    options = RolloutOptions(
        dry_run,
        yes,
        num_workers,
        settle,
        accepted(accept_loss),
        allow_version_change=allow_version_change,
        allow_restart_of=units(allow_restart_of),
        without_proof=without_proof,
        without_gate=without_gate,
        allow_dhcp=allow_dhcp,
        diff=diff,
    )
    _migrate(selection, inventory, options, Output(diff, as_json, verbose))


def canary(
    *,
    host: Annotated[str, typer.Option("--host", help="The one node to migrate.")],
    inventory: Inventory = SHIPPED_INVENTORY,
    dry_run: DryRun = False,
    diff: Diff = False,
    yes: Yes = False,
    settle: Settle = 10.0,
    accept_loss: AcceptLoss = None,
    allow_version_change: AllowVersionChange = False,
    allow_restart_of: AllowRestartOf = None,
    without_proof: WithoutProof = False,
    without_gate: WithoutGate = False,
    allow_dhcp: AllowDhcp = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Migrate one node, then stop."""
    options = RolloutOptions(
        dry_run,
        yes,
        1,
        settle,
        accepted(accept_loss),
        allow_version_change=allow_version_change,
        allow_restart_of=units(allow_restart_of),
        without_proof=without_proof,
        without_gate=without_gate,
        allow_dhcp=allow_dhcp,
        diff=diff,
    )
    _migrate(Selection(hosts=[host]), inventory, options, Output(diff, as_json, verbose))


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
    run_on(selection, inventory, act, as_json=as_json)


def finish(
    *,
    group: Groups = None,
    host: Annotated[list[str] | None, typer.Option("--host", help="This node; may be repeated.")] = None,
    all_: All = False,
    force: Annotated[
        bool, typer.Option("--force", help="Settle runs too that this controller has no journal of: they have ended.")
    ] = False,
    inventory: Inventory = SHIPPED_INVENTORY,
    yes: Yes = False,
    settle: Settle = 10.0,
    as_json: AsJson = False,
) -> None:
    """Settle what interrupted runs have left: confirm a node that is complete and well, take back any other.

    All nodes where none is named. A node whose run is still at work is left to it.
    """

    def act(fleet: Fleet, names: tuple[str, ...], screen: Screen) -> Report:
        from runbooks.finish import Finish  # noqa: PLC0415

        return Finish(fleet, names, FinishOptions(yes, force, settle), screen).carry_out()

    everything = all_ or not (group or host)
    selection = Selection(groups=group or (), hosts=host or (), everything=everything)
    run_on(selection, inventory, act, as_json=as_json)


def _migrate(selection: Selection, inventory: Path, options: RolloutOptions, output: Output) -> None:
    def act(fleet: Fleet, names: tuple[str, ...], screen: Screen) -> Report:
        from runbooks.rollout import Rollout  # noqa: PLC0415

        runbook = Rollout(fleet, names, options, screen)
        report = runbook.carry_out()
        screen.verbose(runbook.results if output.verbose else [])
        return report.with_diffs(shown=output.diff)

    run_on(selection, inventory, act, as_json=output.as_json)
