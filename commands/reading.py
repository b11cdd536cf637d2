"""The commands that change no machine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.ending import before_connecting, conclude, finish, show
from commands.options import All, AsJson, Groups, Inventory, Limit, names
from containerd.model import ContainerdError, Strategy
from fleet.errors import InventoryError, UsageError
from fleet.hints import SHIPPED_INVENTORY
from fleet.selection import Selection
from runbooks.options import RolloutOptions, VerifyOptions

if TYPE_CHECKING:
    from containerd.model import Version
    from fleet.inventory import Fleet


def audit(
    *,
    group: Groups = None,
    all_: All = False,
    limit: Limit = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    as_json: AsJson = False,
) -> None:
    """Read every node: what holds there, what is wrong, what a rollout would do. All nodes where no group is named."""
    from fleet.screen import Screen  # noqa: PLC0415
    from runbooks.audit import audit as runbook  # noqa: PLC0415

    fleet, chosen = _selected(inventory, group, limit, all_=all_)
    screen = Screen(quiet=as_json)
    audited = runbook(fleet, chosen, screen)
    if as_json:
        conclude(lambda: screen.document(audited.as_json()), audited.report.exit_code)
    finish(audited.report, screen, as_json=False)


def status(
    *,
    group: Groups = None,
    all_: All = False,
    limit: Limit = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    as_json: AsJson = False,
) -> None:
    """Ask every node how its transaction stands: none, staged, armed, applied, confirmed, rolled back, or unknown.

    All nodes where no group is named. Exit code 5 where one is to be settled (see finish), 3 where a run was and CRI
    is not ok.
    """
    from fleet.screen import Screen  # noqa: PLC0415
    from runbooks.status import status as runbook  # noqa: PLC0415

    fleet, chosen = _selected(inventory, group, limit, all_=all_)
    screen = Screen(quiet=as_json)
    show(runbook(fleet, chosen, screen), screen, as_json=as_json)


def history(
    *,
    group: Groups = None,
    all_: All = False,
    limit: Limit = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    as_json: AsJson = False,
) -> None:
    """List the runs of this inventory, from the journals here and from the nodes' own records. Changes nothing.

    A run of another controller is listed as the nodes record it. All nodes where no group is named.
    """
    from fleet.screen import Screen  # noqa: PLC0415
    from runbooks.history import history as runbook  # noqa: PLC0415

    fleet, chosen = _selected(inventory, group, limit, all_=all_)
    screen = Screen(quiet=as_json)
    show(runbook(fleet, chosen, screen), screen, as_json=as_json)


def verify(
    *,
    group: Groups = None,
    host: Annotated[list[str] | None, typer.Option("--host", help="This node; may be repeated.")] = None,
    all_: All = False,
    limit: Limit = None,
    pull: Annotated[
        list[str] | None,
        typer.Option("--pull", metavar="IMAGE", help="Pull this one of its registry, not its probe; may be repeated."),
    ] = None,
    fallback: Annotated[
        bool | None,
        typer.Option(
            help="On the first node of each generation pull with the caches down, too. By default for a single --host."
        ),
    ] = None,
    num_workers: Annotated[int, typer.Option(min=1, help="How many nodes pull at once.")] = 10,
    inventory: Inventory = SHIPPED_INVENTORY,
    as_json: AsJson = False,
) -> None:
    """Prove that pulls go through the caches: pull on each node, and find its requests in the cache's own log.

    What was pulled is removed again, but for an image that a container was started from meanwhile.
    """
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415
    from runbooks.verify import Verify  # noqa: PLC0415

    fleet = load(inventory)
    selection = Selection(groups=group or (), hosts=host or (), everything=all_, limit=names(limit))
    chosen = selection.names(fleet)
    alone = bool(host) and len(chosen) == 1
    options = VerifyOptions(tuple(pull or ()), alone if fallback is None else fallback, num_workers)
    runbook = Verify(fleet, chosen, options, Screen(quiet=as_json))
    before_connecting(fleet, chosen)
    show(runbook.carry_out(), runbook.screen, as_json=as_json)


def convert(
    *,
    source: Annotated[Path, typer.Argument(metavar="FILE_OR_DIR", help="A config.toml, or a copy of /etc/containerd.")],
    containerd: Annotated[str, typer.Option(metavar="VERSION", help="The containerd to decide for, such as 1.7.24.")],
    strategy: Annotated[Strategy | None, typer.Option(help="By default the inventory's for that version.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the files there, exact, secrets too.")
    ] = None,
    inventory: Inventory = SHIPPED_INVENTORY,
    as_json: AsJson = False,
) -> None:
    """Decide without a node: the change of a file, and what becomes of every setting. Connects nowhere."""
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.report import Exit  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415
    from runbooks import convert as runbook  # noqa: PLC0415

    fleet = load(inventory)
    version = _version(containerd)
    conversion = runbook.convert(source, version, fleet.policy_for(version, strategy))
    screen = Screen(quiet=as_json)
    if output and isinstance(conversion, runbook.Conversion):
        for path in runbook.write(conversion.decision.files, output, conversion.modes):
            screen.progress(str(path))
    code = Exit.USAGE if isinstance(conversion, runbook.Refusal) else Exit.OK
    # The files in it are exact.
    document = partial(screen.document, conversion.as_json(), exact=True)
    conclude(document if as_json else partial(conversion.show, screen), code)


def check(*, inventory: Inventory = SHIPPED_INVENTORY, as_json: AsJson = False) -> None:
    """Check hosts.yaml, groups.yaml and defaults.yaml, and the keys that they name; connect nowhere."""
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.report import Exit  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415

    fleet, screen = load(inventory), Screen(quiet=as_json)
    _check_surroundings(fleet)
    groups = Counter(f"containerd-{node.generation.value}" for node in fleet.nodes.values())
    filed = ", ".join(f"{number} in {group}" for group, number in sorted(groups.items()))
    line = f"{inventory}: {len(fleet.nodes)} nodes ({filed}), {len(fleet.registries)} registries, no mistake"
    document = json.dumps({"exit": 0, "nodes": len(fleet.nodes), "groups": dict(groups)})
    conclude(partial(screen.document, document) if as_json else partial(screen.say, line), Exit.OK)


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
    before_connecting(fleet, fleet.machines)
    screen = Screen(quiet=as_json)
    finish(runbook(fleet, screen, write=write), screen, as_json=as_json)


def _selected(
    inventory: Path, group: list[str] | None, limit: str | None, *, all_: bool
) -> tuple[Fleet, Sequence[str]]:
    """Return the inventory and the chosen nodes, all where no group is named; this controller may connect to them."""
    from fleet.inventory import load  # noqa: PLC0415

    fleet = load(inventory)
    chosen = Selection(groups=group or (), everything=all_ or not group, limit=names(limit)).names(fleet)
    before_connecting(fleet, chosen)
    return fleet, chosen


def _check_surroundings(fleet: Fleet) -> None:
    """Check what a run would find out only later. Raises ``InventoryError``."""
    from fleet.credentials import check_files  # noqa: PLC0415

    if message := fleet.transaction.too_short(RolloutOptions.settle_seconds):
        raise InventoryError(message, str(fleet.directory / "defaults.yaml"), None, "data.transaction.revert_after")
    # The lab makes its own keys.
    if not fleet.lab:
        check_files(fleet.inventory, fleet.directory)


def _version(text: str) -> Version:
    from containerd.model import parse_version  # noqa: PLC0415

    try:
        return parse_version(f"containerd containerd {text.strip()}")
    except ContainerdError:
        raise UsageError(f"{text!r} is no version of containerd; name one such as 1.7.24", key="--containerd") from None
