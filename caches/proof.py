"""Whether a node's pull went through a cache, as the cache's own log has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from caches.requests import Request

MARKER = "containerd-fleet"
"""The name of the parameter by which the request before a pull is known in a cache's log."""
_MARK = f"/v2/?{MARKER}="


def mark(run: str, node: str, token: str) -> str:
    """Return what a node asks a cache for before a pull. In the log it says whose pull begins there; no clock does."""
    return f"{_MARK}{run}:{quote(node, safe='')}:{token}"


@dataclass(frozen=True)
class Sought:
    """The pull whose requests are looked for: of ``repository``, under the ``registry`` that the image is named by.

    ``reference`` is its tag or digest, and ``mark`` what the node has asked for before.
    """

    registry: str
    repository: str
    reference: str
    mark: str


@dataclass(frozen=True)
class Evidence:
    """What a log has of a pull.

    ``nodes`` are all nodes of the run that the cache knows by the same address, none where the pull's mark is not in
    its log. ``named`` says whether it served the manifest by the image's own tag or digest, ``gave`` whether it served
    any content, and ``refused`` what it did not serve, not even later on.
    """

    nodes: tuple[str, ...] = ()
    named: bool = False
    gave: bool = False
    refused: tuple[str, ...] = ()

    @property
    def asked(self) -> bool:
        """Whether the pull asked this cache for anything."""
        return self.named or self.gave or bool(self.refused)

    def proves(self, *, here: bool) -> bool:
        """Whether all of the pull was served here; ``here`` says whether the content was on the node before.

        containerd asks for the manifest by name in any case. For content that it has it asks no more, and what a cache
        refuses it gets elsewhere.
        """
        return self.named and (self.gave or here) and not self.refused


def evidence(log: Sequence[Request], wanted: Sought) -> Evidence:
    """Return what a cache's log has of a pull, from its mark to the next one of the same node."""
    start = next((n for n, it in enumerate(log) if it.uri == wanted.mark), None)
    if start is None:
        return Evidence()
    client = log[start].client
    mine = [it for it in _until_next(log[start:], wanted) if it.client == client and _of_pull(it, wanted)]
    served = [it for it in mine if it.served]
    return Evidence(
        tuple(dict.fromkeys(_nodes((it.uri for it in log if it.client == client), wanted))),
        any(it.what == _own(wanted) for it in served),
        any(it.method == "GET" for it in served),
        tuple(_refused(mine)),
    )


def strayed(log: Iterable[Request], wanted: Sought) -> bool:
    """Return whether the node asked for the image here, in the log of a cache that is another registry's."""
    log = tuple(log)
    clients = {it.client for it in log if _owner(it.uri) == _owner(wanted.mark)}
    return any(it.client in clients and _of_pull(it, wanted) for it in log)


def _until_next(log: Iterable[Request], wanted: Sought) -> Iterator[Request]:
    for it in log:
        if it.uri != wanted.mark and _owner(it.uri) == _owner(wanted.mark):
            return
        yield it


def _owner(uri: str) -> tuple[str, str]:
    """The run and the node whose mark this is; empty where it is none."""
    run, _, rest = uri.removeprefix(_MARK).partition(":") if uri.startswith(_MARK) else ("", "", "")
    return run, unquote(rest.partition(":")[0])


def _nodes(uris: Iterable[str], wanted: Sought) -> Iterator[str]:
    run, _ = _owner(wanted.mark)
    return (node for its, node in map(_owner, uris) if its == run)


def _own(wanted: Sought) -> str:
    return f"manifests/{wanted.reference}"


def _of_pull(request: Request, wanted: Sought) -> bool:
    """Whether it may be of the pull. Other tags of the repository are somebody else's; what has a digest may be its."""
    its_own = request.what == _own(wanted) or ":" in request.what
    image = (request.ns, request.repository) == (wanted.registry, wanted.repository)
    return image and its_own and request.method in ("HEAD", "GET")


def _refused(requests: Iterable[Request]) -> Iterator[str]:
    """What was refused and not served later. 401 is none: it asks for a login, and what comes then counts."""
    last: dict[tuple[str, str], int] = {}
    for it in requests:
        if not it.served and it.status != 401:
            last[it.method, it.what] = it.status
        elif it.served:
            last.pop(("HEAD", it.what), None)
            last.pop((it.method, it.what), None)
    return (f"{status} to {method} {what}" for (method, what), status in last.items())
