"""The front door: parse the command line, call one runbook, print what it reports, exit with its code."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import typer

from commands import caches, changing, reading
from commands.options import EPILOG, InventoryBefore
from commands.parsing import Command
from fleet.errors import UsageError
from fleet.hints import OPTION, Hints
from fleet.streams import flush_streams, open_streams
from lab.cli import app as lab_app

# The base of every usage error of typer's parser, which typer does not export by its name.
_ParserError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Move a fleet of containerd nodes from one wildcard mirror to a cache per registry, and leave no node broken.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(cls=Command, epilog=EPILOG)(changing.rollout)
app.command(cls=Command, epilog=EPILOG)(changing.canary)
app.command(cls=Command, epilog=EPILOG)(changing.rollback)
app.command(cls=Command, epilog=EPILOG)(reading.status)
app.command(cls=Command, epilog=EPILOG)(reading.history)
app.command(cls=Command, epilog=EPILOG)(changing.finish)
app.command(cls=Command, epilog=EPILOG)(reading.audit)
app.command(cls=Command, epilog=EPILOG)(reading.verify)
app.command(cls=Command, epilog=EPILOG)(reading.convert)
inventory_app = typer.Typer(help="The inventory: is it right, and is it true?", no_args_is_help=True)
inventory_app.command(cls=Command, epilog=EPILOG)(reading.check)
inventory_app.command(cls=Command, epilog=EPILOG)(reading.discover)
app.add_typer(inventory_app, name="inventory")
app.add_typer(caches.app, name="caches")
app.add_typer(lab_app, name="lab")


@app.callback()
def before(context: typer.Context, *, inventory: InventoryBefore = None) -> None:
    """Take the inventory where it stands before the command; the command's own option reads it from here."""
    if inventory is not None and context.invoked_subcommand == "lab":
        raise UsageError("the lab has an inventory of its own: leave the option out", key=OPTION)


def main() -> None:
    """Run the command line; a usage or inventory error is one line on stderr, or JSON on stdout with ``--json``."""
    open_streams()
    try:
        _run()
    finally:
        if lost := flush_streams():
            _complain(lost)


def _run() -> NoReturn:
    try:
        code = app(standalone_mode=False)
    except _ParserError as error:
        _usage(_of_parser(error))
    except UsageError as error:
        _usage(error)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception:  # a bug of ours
        _complain(f"{traceback.format_exc()}internal error: please report the lines above")
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)


def _of_parser(error: Exception) -> UsageError:
    """Say a mistake that typer's parser found in our words: its message, and the option that it is about."""
    option = getattr(error, "option_name", None) or next(iter(getattr(getattr(error, "param", None), "opts", ())), None)
    return UsageError(str(getattr(error, "format_message", error.__str__)()), key=option)


def _usage(error: UsageError) -> NoReturn:
    if "--json" in sys.argv:
        from fleet.report import error_json  # noqa: PLC0415

        print(Hints.here().in_json(error_json(error)))
    elif error.args[0]:  # without arguments the help was printed, and there is no more to say
        _complain(f"error: {error}")
    sys.exit(2)


def _complain(message: str) -> None:
    from fleet.screen import complain  # noqa: PLC0415

    complain(message)


if __name__ == "__main__":
    main()
