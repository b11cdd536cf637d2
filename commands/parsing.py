"""How every command reads its own options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
import typer.core

from fleet.errors import UsageError

if TYPE_CHECKING:
    from typer._click import Context


class Command(typer.core.TyperCommand):
    """A command that takes an option once that names something: a node, a run, a directory.

    Of a number the last one counts, as in every shell: who has `--settle 30` in an alias may say another.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the words of the command line.

        Raises ``UsageError`` where one value would silently replace another, or is empty as that of an unset variable:
        it would count as if the option were left out, or as the directory in which the command was typed.
        """
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given = [parameter for parameter in order if isinstance(parameter, typer.core.TyperOption)]
        for option in given:
            if given.count(option) > 1 and _names_something(option):
                raise UsageError("given more than once; it takes one value", key=option.opts[0])
            if "" in (values.get(option.name), *_each(values.get(option.name))):
                raise UsageError("its value is empty; leave the option out, or give it one", key=option.opts[0])
        return super().parse_args(ctx, args)


def _each(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _names_something(option: typer.core.TyperOption) -> bool:
    return not (option.multiple or option.is_flag or isinstance(option.default, int | float))
