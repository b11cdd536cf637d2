"""From a pull and the caches' logs to the word that a node's registry ends with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from caches.proof import Evidence, Sought, evidence, strayed
from caches.requests import Request
from containerd.model import NodeFacts
from containerd.probe import where_to_look
from tasks.pull import Pulled
from tasks.try_pulls import Try


class Verdict(str, Enum):
    """What is known of one pull."""

    PROVEN = "proven"
    PAST = "past the cache"
    FAILED = "failed"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class Proof:
    """What became of one image on one node.

    ``fallback`` is its pull with the cache down, where that was tried. With ``here`` its content was on the node
    before. ``refused`` is what the caches of its registry did not serve of it.
    """

    registry: str
    image: str
    verdict: Verdict
    reason: str
    seconds: float
    fallback: Pulled | None = None
    left: str = ""
    here: bool = False
    refused: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether it went through the cache, came from the upstream when it was asked to, and left nothing."""
        return self.verdict is Verdict.PROVEN and not self.left and not (self.fallback and self.fallback.error)

    @property
    def may_pass(self) -> bool:
        """Whether another pull may go through the cache: all that it refused were errors of its own, such as 500.

        Registry 2.8 answers so to one of two that ask for a blob while it is stored (invalid checksum digest format).
        """
        own = bool(self.refused) and all(re.match(r"5\d\d ", it) for it in self.refused)
        return own and self.verdict in (Verdict.PAST, Verdict.FAILED)

    def as_dict(self) -> dict[str, object]:
        """Return it for ``--json``; what is empty is left out."""
        told: dict[str, object] = {name: getattr(self, name) for name in ("registry", "image", "reason", "seconds")}
        told["verdict"] = self.verdict.value
        if self.fallback:
            here = {"here": True} if self.fallback.here else {}
            told["fallback"] = {"seconds": self.fallback.seconds, "error": self.fallback.error} | here
        return told | {name: value for name in ("left", "here") if (value := getattr(self, name))}


@dataclass(frozen=True)
class Cache:
    """One cache's log: where it runs, what it is for, and its requests, or why they could not be read."""

    host: str
    container: str
    registry: str
    requests: tuple[Request, ...] = ()
    unread: str = ""

    def __str__(self) -> str:
        return f"{self.container} on {self.host}"


def through(proofs: Sequence[Proof]) -> str:
    """Say in some words that all of ``proofs`` are of pulls that went through their cache."""
    said = f"{len(proofs)} of {len(proofs)} pulls went through their cache"
    here = sum(proof.here for proof in proofs)
    return f"{said}; the content of {here} was on the node already" if here else said


def told_of(fallback: Pulled) -> str:
    """Say in some words how a pull with the cache down went. Of content that was there it says nothing about time."""
    return fallback.error or ("(its content was here already)" if fallback.here else f"{fallback.seconds:g} s")


def proof_of(facts: NodeFacts, one: Try, caches: Sequence[Cache]) -> Proof:
    """Return what the logs of ``caches``, those of other registries too, say of one pull of the node of ``facts``."""
    wanted = Sought(one.registry.name, one.image.repository, one.image.reference, one.mark)
    own = [cache for cache in caches if cache.registry == one.registry.name]
    found = {str(cache): evidence(cache.requests, wanted) for cache in own}
    known = _known(one, own, found)
    if known is None:
        stray = [str(it) for it in caches if it.registry != one.registry.name and strayed(it.requests, wanted)]
        known = Verdict.PAST, next(_reasons(one, found, stray, where_to_look(facts, one.registry)))
    left = "; ".join(filter(None, (one.pulled.left, one.fallback.left if one.fallback else "")))
    refused = tuple(what for had in found.values() for what in had.refused)
    seconds, here = one.pulled.seconds, one.pulled.here
    return Proof(one.registry.name, str(one.image), *known, seconds, one.fallback, left, here, refused)


def _known(one: Try, own: Sequence[Cache], found: Mapping[str, Evidence]) -> tuple[Verdict, str] | None:
    """Return the verdict and its reason, or None for a pull that went past the caches of its registry."""
    if one.pulled.error:
        return Verdict.FAILED, "; ".join((one.pulled.error, *_silent(one)))
    shared = {name: had for name, had in found.items() if had.asked and len(had.nodes) > 1}
    for name, had in found.items():
        if name not in shared and had.proves(here=one.pulled.here):
            return Verdict.PROVEN, f"through {name}" if had.gave else f"asked {name}; its content was here already"
    for name, had in shared.items():
        them = " and ".join(sorted(had.nodes))
        return Verdict.UNPROVEN, f"{name} sees {them} under one address; verify them one at a time with --host"
    if unread := "; ".join(f"{cache}: {cache.unread}" for cache in own if cache.unread):
        return Verdict.UNPROVEN, f"its log cannot be read: {unread}"
    if one.unasked:
        return Verdict.UNPROVEN, f"its requests cannot be told from those of others: {one.unasked}"
    return None


def _reasons(one: Try, found: Mapping[str, Evidence], stray: Sequence[str], look: str) -> Iterator[str]:
    """Yield what is known of a pull that no cache of its registry served whole, that which tells most first."""
    for name, had in found.items():
        if had.refused:
            yield f"{name} answered {', '.join(had.refused)}, and it came from elsewhere: see docker logs there"
    if silent := "; ".join(_silent(one)):
        yield f"it did not come through the cache: {silent}"
    for name, had in found.items():
        if had.named:
            yield f"{name} was asked what {one.image.reference} is, and gave no content of it; {look}"
        if had.gave:
            yield f"{name} gave content, and was not asked what {one.image.reference} is; {look}"
    if stray:
        yield f"it asked {' and '.join(stray)}, which is another registry's; {look}"
    if elsewhere := [name for name, had in found.items() if not had.nodes]:
        urls = ", ".join(one.registry.endpoints)
        yield f"what answers at {urls} is not {' nor '.join(elsewhere)}: its log has no request of this run"
    yield f"it did not come through the cache: {' and '.join(found) or 'no cache'} was not asked; {look}"


def _silent(one: Try) -> Iterator[str]:
    for url, status in one.answers.items():
        if status is None:
            yield f"{url} does not answer this node"
        elif status not in (200, 401):
            yield f"{url} answers this node with status {status}"
