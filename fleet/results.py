"""What a Nornir result really says."""

from __future__ import annotations

from nornir.core.exceptions import NornirSubTaskError
from nornir.core.task import MultiResult


def cause(result: MultiResult) -> BaseException | None:
    """Return the exception that made ``result`` fail, from the innermost task; ``None`` where there is none."""
    own = result[0].exception if result else None
    return cause(own.result) if isinstance(own, NornirSubTaskError) else own
