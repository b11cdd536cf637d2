"""How every command begins and ends: first the inventory is checked, last the report is printed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import typer

from fleet.errors import InventoryError
from fleet.selection import Selection

if TYPE_CHECKING:
    from fleet.inventory import Fleet
    from fleet.report import Exit, Report
    from fleet.screen import Screen


class Shown(Protocol):
    """What a command has found: for people, for machines, and as an exit code."""

    @property
    def exit_code(self) -> Exit:
        """The exit code that it asks for."""

    def as_json(self) -> str:
        """Return it as one JSON document."""

    def show(self, screen: Screen) -> None:
        """Print it for people."""


def run_on(
    selection: Selection, inventory: Path, act: Callable[[Fleet, tuple[str, ...], Screen], Report], *, as_json: bool
) -> NoReturn:
    """Load and check the inventory, let ``act`` do it to the selected nodes, print its report and exit."""
    from fleet.inventory import load  # noqa: PLC0415
    from fleet.screen import Screen  # noqa: PLC0415

    fleet = load(inventory)
    names = selection.names(fleet)
    before_connecting(fleet, names)
    screen = Screen(quiet=as_json)
    finish(act(fleet, names, screen), screen, as_json=as_json)


def finish(report: Report, screen: Screen, *, as_json: bool) -> NoReturn:
    """Print the report and exit with its code."""
    conclude(lambda: screen.result(report, as_json=as_json), report.exit_code)


def show(found: Shown, screen: Screen, *, as_json: bool) -> NoReturn:
    """Print what was found and exit with its code."""
    conclude(lambda: screen.document(found.as_json()) if as_json else found.show(screen), found.exit_code)


def conclude(tell: Callable[[], object], code: Exit) -> NoReturn:
    """Have ``tell`` print the result, and exit with ``code``."""
    tell()
    raise typer.Exit(int(code))


def before_connecting(fleet: Fleet, names: Collection[str]) -> None:
    """Check that this controller may and can connect to the hosts ``names``, and to the cache hosts."""
    from fleet.descriptors import needed, raise_limit  # noqa: PLC0415
    from fleet.session import AT_ONCE  # noqa: PLC0415

    refuse_lab_that_is_down(fleet)
    raise_limit(needed(len({*names, *fleet.cache_hosts}), AT_ONCE))


def refuse_lab_that_is_down(fleet: Fleet) -> None:
    """While the lab is down its addresses could be somebody else's: nothing may connect to them."""
    from lab.state import is_up  # noqa: PLC0415

    if fleet.lab and not is_up():
        message = "this is the lab's inventory, and the lab is down; start it with: python main.py lab up"
        raise InventoryError(message, str(fleet.directory / "defaults.yaml"), key="data.lab")
