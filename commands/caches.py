"""The commands that are about the caches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from commands.ending import before_connecting, show
from commands.options import EPILOG, AllowDhcp, AsJson, Diff, Inventory, Yes
from commands.parsing import Command
from fleet.errors import UsageError
from fleet.hints import SHIPPED_INVENTORY
from runbooks.options import CachesOptions, UnlockOptions, UpkeepOptions

if TYPE_CHECKING:
    from fleet.inventory import Fleet
    from fleet.screen import Screen
    from runbooks.caches.report import CachesReport

app = typer.Typer(help="The caches: deploy them, look after them, prove them.", no_args_is_help=True)
Caches = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CACHE]…", help="Caches, by the container, its short name or the registry; all by default."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, change nothing; exit code 5 if that is something.")
]


@app.command(cls=Command, epilog=EPILOG)
def deploy(
    *,
    inventory: Inventory = SHIPPED_INVENTORY,
    dry_run: DryRun = False,
    diff: Diff = False,
    yes: Yes = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove caches that are no longer in the table.")] = False,
    prune_data: Annotated[
        bool, typer.Option("--prune-data", help="With --prune: remove what they cached, too.")
    ] = False,
    install_docker: Annotated[
        bool,
        typer.Option(
            "--install-docker", help="Install Docker and cron from the distribution where missing; start them."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the caches on the hosts of the group `caches` what the table of registries says, and look after them."""
    if prune_data and not prune:
        raise UsageError("data is removed only together with its container: add --prune", key="--prune-data")
    from runbooks.caches.deploy import Deploy  # noqa: PLC0415

    fleet, screen = _begin(inventory, as_json=as_json)
    options = CachesOptions(dry_run, yes, prune, prune_data, install_docker, diff)
    show(Deploy(fleet, options, screen).carry_out().with_diffs(shown=diff), screen, as_json=as_json)


@app.command(cls=Command, epilog=EPILOG)
def gc(
    *,
    cache: Caches = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Collect garbage now, as cron does each week: each cache stops for it, if it would start again."""
    from runbooks.caches.upkeep import collect  # noqa: PLC0415

    _look_after(collect, cache, inventory, UpkeepOptions(dry_run, yes), as_json=as_json)


@app.command(cls=Command, epilog=EPILOG)
def restart(
    *,
    cache: Caches = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restart caches now, as cron does: each one only if it would start again."""
    from runbooks.caches import upkeep  # noqa: PLC0415

    _look_after(upkeep.restart, cache, inventory, UpkeepOptions(dry_run, yes), as_json=as_json)


@app.command(cls=Command, epilog=EPILOG)
def verify(
    *,
    inventory: Inventory = SHIPPED_INVENTORY,
    allow_dhcp: AllowDhcp = False,
    as_json: AsJson = False,
) -> None:
    """Look at every cache and its host, and ask it from every node; exit code 5 where something is wrong."""
    from runbooks.caches.verify import verify_caches  # noqa: PLC0415

    fleet, screen = _begin(inventory, as_json=as_json)
    show(verify_caches(fleet, screen, allow_dhcp=allow_dhcp), screen, as_json=as_json)


@app.command(cls=Command, epilog=EPILOG)
def unlock(
    *,
    inventory: Inventory = SHIPPED_INVENTORY,
    force: Annotated[
        bool, typer.Option("--force", help="Remove locks too whose runs have no journal here: they have ended.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """List the maintenance locks on the cache hosts, and remove those that dead runs left behind.

    The lock of a run that is at work stays (exit code 1).
    """
    from runbooks.caches.unlock import Unlock  # noqa: PLC0415

    fleet, screen = _begin(inventory, as_json=as_json)
    show(Unlock(fleet, UnlockOptions(dry_run, yes, force), screen).carry_out(), screen, as_json=as_json)


def _begin(inventory: Path, *, as_json: bool) -> tuple[Fleet, Screen]:
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415

    fleet = load(inventory)
    before_connecting(fleet, fleet.inventory.hosts)
    return fleet, Screen(quiet=as_json)


def _look_after(
    runbook: Callable[[Fleet, Sequence[str], UpkeepOptions, Screen], CachesReport],
    caches: Sequence[str] | None,
    inventory: Path,
    options: UpkeepOptions,
    *,
    as_json: bool,
) -> NoReturn:
    fleet, screen = _begin(inventory, as_json=as_json)
    show(runbook(fleet, caches or (), options, screen), screen, as_json=as_json)
