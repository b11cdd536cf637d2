"""Ask caches from a machine. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from fleet.errors import ForwardingRefused
from fleet.ssh import remote_of
from tasks import scripts
from tasks.errors import StepFailed
from tasks.reach import reach

ANSWERS = "answers"


def reachable(task: Task, endpoints: Sequence[str]) -> Result:
    """Return a result that says of each of ``endpoints`` how it answers this machine. Raises ``Unreachable``."""
    task.run(reach)
    return Result(host=task.host, result=ask_all(task.host, endpoints))


def ask(host: Host, url: str) -> int | None:
    """Return the status of a GET of ``url`` from the node; ``None`` where nothing answers.

    It goes through the node's sshd, or, where that forwards nothing, is the node's own bash's. Raises ``Unreachable``,
    and ``StepFailed`` where the node has neither way.
    """
    try:
        return _ask_through_sshd(host, url)
    except ForwardingRefused as refused:
        return _ask_there(host, url, refused)


def ask_all(host: Host, endpoints: Sequence[str]) -> dict[str, str]:
    """Ask all at once: a cache that is down costs its time-out. What answers well has the word ``ANSWERS``."""
    urls = [f"{endpoint}/v2/" for endpoint in endpoints]
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(partial(_or_error, _ask_through_sshd, host), urls))
        # Of several channels that are refused at once, paramiko tells only one why.
        refused = next((answer for answer in found if isinstance(answer, ForwardingRefused)), None)
        if refused is not None:
            found = list(pool.map(partial(_or_error, partial(_ask_there, refused=refused), host), urls))
    return {endpoint: _word(answer) for endpoint, answer in zip(endpoints, found, strict=True)}


def _ask_through_sshd(host: Host, url: str) -> int | None:
    return remote_of(host).http_status(url)


def _or_error(ask_one: Callable[[Host, str], int | None], host: Host, url: str) -> int | Exception | None:
    try:
        return ask_one(host, url)
    except (ForwardingRefused, StepFailed) as error:
        return error


def _ask_there(host: Host, url: str, refused: ForwardingRefused) -> int | None:
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    words = (parts.hostname or "", str(parts.port or 80), path)
    try:
        said = scripts.must(host, "caches_ask", *words).decode(errors="replace")
    except StepFailed as error:
        raise StepFailed(f"{refused}; {error}") from None
    return int(said) if said.isdecimal() else None


def _word(answer: int | Exception | None) -> str:
    """Whether a registry answers so: 200, or 401 where it wants a login."""
    if isinstance(answer, Exception):
        return f"not asked: {answer}"
    if answer is None:
        return "no answer"
    return ANSWERS if answer in (200, 401) else f"answers with status {answer}"
