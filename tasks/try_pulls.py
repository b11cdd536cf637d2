"""Pull one image of each registry on one node, and note what is needed to find the requests in the caches' logs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from caches.proof import mark
from common import Reference
from containerd.model import NodeFacts, Registry
from containerd.probe import Way, way_of
from tasks.caches.reachable import ask
from tasks.errors import NodeNotReady, StepFailed
from tasks.inspect import inspect
from tasks.pull import Pulled, fall_back, pull
from tasks.reach import reach
from templates import render_hosts_toml


@dataclass(frozen=True)
class Try:
    """One pull: `answers` has what each cache of the registry answered the node before, by its URL.

    `mark` is what the node asked them for then; `unasked` says why it could not. `fallback` is the same image's pull
    past a cache that is down.
    """

    registry: Registry
    image: Reference
    mark: str
    answers: Mapping[str, int | None]
    pulled: Pulled
    unasked: str = ""
    fallback: Pulled | None = None

    def again(self, later: Try) -> Try:
        """Return the ``later`` try of the same image in this one's place; what this one has left stays told."""
        left = "; ".join(filter(None, (self.pulled.left, later.pulled.left)))
        kept = self.pulled.kept or later.pulled.kept
        return replace(later, pulled=replace(later.pulled, left=left, kept=kept), fallback=self.fallback)


@dataclass(frozen=True)
class Tried:
    """The pulls of a node, and how they were made."""

    facts: NodeFacts
    way: Way
    tries: tuple[Try, ...]

    def again(self, later: Tried) -> Tried:
        """Return it with the tries of ``later`` in place of its own of the same images."""
        new = {one.image: one for one in later.tries}
        return replace(self, tries=tuple(one.again(new[one.image]) if one.image in new else one for one in self.tries))


def try_pulls(task: Task, images: Sequence[tuple[Registry, Reference]], run: str, *, fallback: bool) -> Result:
    """Pull ``images`` one after another; the result holds what was ``Tried``, pulls that failed included.

    Nodes that are verified at once have the same ``run`` in their marks.

    Nothing stays on the node (see ``pull``). With ``fallback`` each is pulled once more past a cache that is down.
    Raises as ``inspect`` and ``way_of`` do, and ``NodeNotReady`` where CRI is not ok: nothing is pulled there anyway.
    """
    task.run(reach)
    facts: NodeFacts = task.run(inspect)[0].result
    if facts.cri.state != "ok":
        raise NodeNotReady(f"CRI is {facts.cri.state}: {facts.cri.detail}; kubelet pulls nothing there")
    way = way_of(facts, [registry for registry, _ in images], render_hosts_toml)
    tries = tuple(_try(task, facts, way, each, run, fallback=fallback) for each in images)
    return Result(host=task.host, result=Tried(facts, way, tries))


def _try(task: Task, facts: NodeFacts, way: Way, each: tuple[Registry, Reference], run: str, *, fallback: bool) -> Try:
    registry, image = each
    path = mark(run, task.host.name, secrets.token_hex(8))
    answers, unasked = _ask(task.host, registry, path)
    pulled: Pulled = task.run(pull, name=f"pull {image}", daemon=facts.daemon, image=image, way=way)[0].result
    past = None
    if fallback:
        name = f"pull {image} with its cache down"
        past = task.run(fall_back, name=name, daemon=facts.daemon, image=image, upstream=registry.upstream)[0].result
    return Try(registry, image, path, answers, pulled, unasked, past)


def _ask(host: Host, registry: Registry, path: str) -> tuple[dict[str, int | None], str]:
    try:
        return {url: ask(host, url + path) for url in registry.endpoints}, ""
    except StepFailed as error:
        return {}, str(error)
