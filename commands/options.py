"""The options that commands share, and what every ``--help`` ends with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from fleet.errors import UsageError
from fleet.hints import ENVIRONMENT, OPTION

EPILOG = (
    "Exit codes: 0 all well · 1 some nodes or caches failed, each untouched or back as before; the gate refused; a "
    "pull is not proven · 2 usage or inventory error · 3 what was changed is not verified, or the "
    "journal could not be written · 4 only unreachable "
    "machines · 5 changes pending, something is to be done · 130 interrupted or not agreed to."
)
Groups = Annotated[list[str] | None, typer.Option("--group", help="Nodes of this group; may be repeated.")]
All = Annotated[bool, typer.Option("--all", help="Every node of the inventory.")]
Limit = Annotated[str | None, typer.Option(metavar="NODE,…", help="Of the selected nodes only these.")]


def _in_use(context: typer.Context, value: Path) -> Path:
    """Return the inventory of a command: as its own option says, the one before it, the environment, or as shipped.

    Raises ``UsageError`` where the option is given twice and means two directories.
    """
    above = context.parent
    while above is not None and above.params.get("inventory") is None:
        above = above.parent
    if above is None:
        return value
    before: Path = above.params["inventory"]
    source = context.get_parameter_source("inventory")
    if source is not None and source.name == "COMMANDLINE" and before.resolve() != value.resolve():
        raise UsageError(f"{before} before the command and {value} after it: name one inventory", key=OPTION)
    return before


Inventory = Annotated[
    Path,
    typer.Option(
        OPTION,
        metavar="DIR",
        envvar=ENVIRONMENT,
        callback=_in_use,
        help=(
            "The directory of hosts.yaml, groups.yaml and defaults.yaml. It may stand before the command as well; "
            "given twice it must be the same."
        ),
        show_default="inventory/ beside main.py",
    ),
]
InventoryBefore = Annotated[
    Path | None, typer.Option(OPTION, metavar="DIR", help="The inventory, for the command that follows.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Plan only, change nothing; exit code 5 if changes are pending.")
]
Diff = Annotated[bool, typer.Option("--diff", help="Show every file's change, secrets masked.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NumWorkers = Annotated[int, typer.Option(min=1, help="How many nodes change at once.")]
Settle = Annotated[
    float, typer.Option(min=0, max=3600, metavar="SECONDS", help="How long a node settles before it is confirmed.")
]
AcceptLoss = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE", help="Go on although settings of this kind are lost, or with unknown-release; may be repeated."
    ),
]
AllowVersionChange = Annotated[
    bool, typer.Option("--allow-version-change", help="Go on where a restart starts another containerd than now runs.")
]
AllowRestartOf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="UNIT", help="Go on where this unit is bound to containerd and restarts with it; may be repeated."
    ),
]
WithoutProof = Annotated[
    bool,
    typer.Option("--without-proof", help="Go on where a node cannot try the new files first, or that is inconclusive."),
]
WithoutGate = Annotated[
    bool,
    typer.Option(
        "--without-gate",
        help="Go on without asking the caches, a maintenance lock on them, or pull checks of the canaries.",
    ),
]
AllowDhcp = Annotated[
    bool, typer.Option("--allow-dhcp", help="The cache host's address is a lease that is reserved for it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Nornir's own results of every step, on stderr.")]


@dataclass(frozen=True)
class Output:
    """What is printed of a result, and how."""

    diff: bool = False
    as_json: bool = False
    verbose: bool = False


def accepted(codes: Sequence[str] | None) -> frozenset[str]:
    """Return the codes of ``--accept-loss``. Raises ``UsageError`` for one that nothing has."""
    if not codes:
        return frozenset()
    from containerd.decide import ACCEPTABLE  # noqa: PLC0415

    for code in codes:
        if code not in ACCEPTABLE:
            near = get_close_matches(code, ACCEPTABLE, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"unknown code {code!r}; {hint}there are {', '.join(ACCEPTABLE)}", key="--accept-loss")
    return frozenset(codes)


def units(listed: Sequence[str] | None) -> frozenset[str]:
    """Return the units of ``--allow-restart-of``. Raises ``UsageError`` for a name that no unit has."""
    for unit in listed or ():
        if not re.fullmatch(r"[A-Za-z0-9:_.\\@-]+\.[a-z]+", unit):
            raise UsageError(f"{unit!r} is not the name of a unit, such as kubelet.service", key="--allow-restart-of")
    return frozenset(listed or ())


def names(listed: str | None) -> tuple[str, ...] | None:
    """Return the names of a list with commas; ``None`` where the option was not given."""
    if listed is None:
        return None
    return tuple(name.strip() for name in listed.split(",") if name.strip())
