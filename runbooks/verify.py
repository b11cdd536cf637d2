"""Prove that the nodes' pulls go through the caches. What is pulled for it is removed again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TypeAlias

from nornir.core import Nornir
from nornir.core.inventory import Host
from nornir.core.task import AggregatedResult, MultiResult, Result, Task

from caches.ports import Ports, wrong
from common import NotAnImage, Reference, parse_reference
from containerd.model import Registry, Strategy
from fleet.errors import UsageError
from fleet.inventory import Fleet
from fleet.report import Exit, NodeReport, Outcome, Report, heaviest
from fleet.runner import FleetRunner
from fleet.screen import ProgressProcessor, Screen
from fleet.session import nornir_for, only
from fleet.stop import Stop
from runbooks.caches.nodes import findings_of, findings_of_all, lines, ports_for
from runbooks.options import VerifyOptions
from runbooks.outcomes import failure, never_read, not_changed
from runbooks.proofs import Cache, Proof, Verdict, proof_of, through
from runbooks.verification import Verification
from tasks.caches.requests import Requests, clock, read_requests
from tasks.pull import CLEAN_SECONDS, PULL_SECONDS, Pulled
from tasks.try_pulls import Tried, try_pulls

LOG_SECONDS = 1.0
"""How long a request may take into the log of a cache."""
Images: TypeAlias = Sequence[tuple[Registry, Reference]]


class _Progress(ProgressProcessor):
    """Says of each pull how it went, also of one that failed, which is no failure of the verification."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Say how it went."""
        told = result[0].result
        if isinstance(told, Pulled) and told.error:
            self._screen.progress(f"{host.name}: {task.name} failed: {told.error}")
        else:
            super().subtask_instance_completed(task, host, result)


@dataclass
class Verify:
    """A verification of the nodes ``names``. Raises ``UsageError`` for images that no cache of the table is for.

    With a ``stop`` of a run that goes on around it, signals are left to that run.
    """

    fleet: Fleet
    names: Sequence[str]
    options: VerifyOptions
    screen: Screen
    stop: Stop | None = None
    images: Images = field(init=False)
    run: str = field(init=False, default_factory=partial(secrets.token_hex, 8))

    def __post_init__(self) -> None:
        self.images = tuple(chosen_images(self.fleet, self.options.pulls))
        if not self.images:
            message = "no registry of the table has a probe; give it one, or name an image with --pull"
            raise UsageError(message, str(self.fleet.directory / "defaults.yaml"), key="data.registries")

    def carry_out(self) -> Verification:
        """Pull on every node, a few at a time, then look into the caches' logs. A skipped node is not asked."""
        stop = self.stop or Stop(self.screen.progress)
        nodes = [name for name in self.names if self.fleet.nodes[name].strategy is not Strategy.SKIP]
        hosts = (*self.fleet.cache_hosts, *nodes)
        processor = _Progress(self.screen)
        with nornir_for(self.fleet, hosts, processor, stop) as nornir, nullcontext() if self.stop else stop.listening():
            clocks = only(nornir, self.fleet.cache_hosts).run(clock)
            since = {name: result[0].result for name, result in clocks.items() if not result.failed}
            if not since:
                return self._verification({}, {name: _no_cache_host(clocks) for name in nodes}, stop)
            skipped = self._skipped(nornir)
            results = self._pull_all(nornir, nodes, stop)
            # Also once a stop was asked for: what was pulled is to be told.
            reader = FleetRunner(len(since), stop.to_the_end())
            tried: dict[str, Tried] = {name: it[0].result for name, it in results.items() if not it.failed}
            proofs = self._prove(nornir.with_runner(reader), tried, clocks, since)
            if self._pull_again(nornir, tried, proofs, stop):
                proofs = self._prove(nornir.with_runner(reader), tried, clocks, since)
        reports = {name: self._report(name, results.get(name), tried.get(name), proofs.get(name, ())) for name in nodes}
        return self._verification(proofs, reports | skipped, stop)

    @cached_property
    def _ports(self) -> Ports:
        return ports_for(self.fleet)

    def _skipped(self, nornir: Nornir) -> dict[str, NodeReport]:
        """Read the skipped nodes: nothing is pulled there, but they must not ask a cache for another registry."""
        names = [name for name in self.names if self.fleet.nodes[name].strategy is Strategy.SKIP]
        findings = findings_of_all(self.fleet, nornir, names) if names else {}
        told = {name: "; ".join(lines({name: wrong(found)})) for name, found in findings.items()}
        return {
            name: replace(never_read(self.fleet.nodes[name]), outcome=Outcome.FAILED, reason=why, weight=Exit.FAILED)
            for name, why in told.items()
            if why
        }

    def _pull_all(self, nornir: Nornir, nodes: Sequence[str], stop: Stop) -> AggregatedResult:
        """Pull on the first node alone, which fills the caches, and then on the others."""
        self.screen.progress(f"pulling {len(self.images)} images on {len(nodes)} nodes")
        canaries = self._canaries(nodes) if self.options.fallback else frozenset()
        results = AggregatedResult("verify")
        for names in filter(None, (nodes[:1], nodes[1:])):
            results.update(self._pull(nornir, dict.fromkeys(names, self.images), canaries, stop))
        return results

    def _pull_again(
        self, nornir: Nornir, tried: dict[str, Tried], proofs: Mapping[str, Sequence[Proof]], stop: Stop
    ) -> bool:
        """Pull once more, one node after another, what may pass now; return whether there was any. Changes ``tried``.

        Of two that ask registry 2.8 for a blob while it is stored, one may get 500 (invalid checksum digest format).
        """
        once_more = False
        for name, found in proofs.items():
            tries = zip(tried[name].tries, found, strict=True)
            images = [(one.registry, one.image) for one, proof in tries if proof.may_pass]
            result = self._pull(nornir, {name: images}, frozenset(), stop).get(name) if images else None
            if result and not result.failed:
                tried[name] = tried[name].again(result[0].result)
                once_more = True
        return once_more

    def _pull(
        self, nornir: Nornir, images: Mapping[str, Images], canaries: frozenset[str], stop: Stop
    ) -> AggregatedResult:
        """Pull on each node its own ``images``, and on ``canaries`` once more with the caches down."""

        def try_one(task: Task) -> Result:
            return try_pulls(task, images[task.host.name], self.run, fallback=task.host.name in canaries)

        seconds = 60 + 2 * len(self.images) * (2 * PULL_SECONDS + CLEAN_SECONDS)
        runner = FleetRunner(self.options.num_workers, stop, node_seconds=seconds)
        return only(nornir, images).with_runner(runner).run(try_one, name="verify")

    def _canaries(self, nodes: Sequence[str]) -> frozenset[str]:
        first: dict[str, str] = {}
        for name in nodes:
            first.setdefault(self.fleet.nodes[name].generation.value, name)
        return frozenset(first.values())

    def _prove(
        self, nornir: Nornir, tried: Mapping[str, Tried], clocks: AggregatedResult, since: Mapping[str, int]
    ) -> dict[str, tuple[Proof, ...]]:
        proofs: dict[str, tuple[Proof, ...]] = {}
        for attempt in range(2):
            if attempt:
                time.sleep(LOG_SECONDS)
            caches = self._caches(nornir, clocks, since)
            proofs = {name: tuple(proof_of(it.facts, one, caches) for one in it.tries) for name, it in tried.items()}
            if not any(proof.verdict is Verdict.PAST for each in proofs.values() for proof in each):
                break
        return proofs

    def _caches(self, nornir: Nornir, clocks: AggregatedResult, since: Mapping[str, int]) -> list[Cache]:
        """Read the logs of all caches, on whichever host they can be read."""
        containers = {name: row.container for name, row in self.fleet.rows.items()}
        reading = only(nornir, since)
        repositories = sorted({image.repository for _, image in self.images})
        names = list(containers.values())
        asked = reading.run(read_requests, containers=names, repositories=repositories, since=since, on_failed=True)
        return [
            _cache(Cache(host, container, name), asked[host] if host in asked else clocks.get(host))
            for host in self.fleet.cache_hosts
            for name, container in containers.items()
        ]

    def _report(
        self, name: str, result: MultiResult | None, tried: Tried | None, proofs: Sequence[Proof]
    ) -> NodeReport:
        node = self.fleet.nodes[name]
        if tried is None:
            return not_changed(node, result) if result else never_read(node)
        outcome, reason, weight = _summed(proofs)
        found = findings_of(self.fleet, name, tried.facts, self._ports)
        if wrong_here := lines({name: wrong(found)}):
            outcome, reason, weight = Outcome.FAILED, "; ".join((reason, *wrong_here)), Exit.FAILED
        return NodeReport(
            outcome,
            reason,
            weight,
            generation=node.generation.value,
            version=tried.facts.daemon.version.text,
            strategy=node.strategy.value,
            details=(*_details(tried, proofs), *left_out(self.fleet, self.images)),
        )

    def _verification(
        self, proofs: Mapping[str, tuple[Proof, ...]], reports: Mapping[str, NodeReport], stop: Stop
    ) -> Verification:
        skipped = "strategy skip: its pulls are not meant to use the caches"
        nodes = {
            name: reports.get(name)
            or replace(never_read(self.fleet.nodes[name]), outcome=Outcome.SKIPPED, reason=skipped)
            for name in self.names
        }
        return Verification(proofs, Report(None, nodes, stop.asked, "Pulls"))


def chosen_images(fleet: Fleet, pulls: Sequence[str]) -> Iterator[tuple[Registry, Reference]]:
    """Yield for each registry of the table the images of ``pulls`` that are its own, or else its probe.

    Raises ``UsageError`` for a text that is no image, and an image of a registry that is not in the table.
    """
    named: dict[str, list[Reference]] = {registry.name: [] for registry in fleet.registries}
    for text in pulls:
        try:
            image = parse_reference(text)
        except NotAnImage as error:
            raise UsageError(str(error), key="--pull") from None
        if image.registry not in named:
            message = f"{image}: no cache is for {image.registry}; the table of registries has {', '.join(named)}"
            raise UsageError(message, str(fleet.directory / "defaults.yaml"), key="--pull")
        named[image.registry].append(image)
    for registry in fleet.registries:
        probe = fleet.rows[registry.name].probe
        for image in named[registry.name] or ([parse_reference(probe)] if probe else []):
            yield registry, image


def left_out(fleet: Fleet, images: Images) -> list[str]:
    """Return a line that names the registries of the table of which nothing is pulled, or none."""
    pulled = {registry.name for registry, _ in images}
    names = ", ".join(name for name in fleet.rows if name not in pulled)
    return [f"not proven: {names} (no probe)"] if names else []


def _cache(cache: Cache, result: MultiResult | None) -> Cache:
    """Return the cache with what was read on its host, or why nothing was."""
    if result is None or result.failed:
        return replace(cache, unread=failure(result).reason if result else "interrupted before it was read")
    found: Requests = result[0].result
    if cache.container in found.logs:
        return replace(cache, requests=found.logs[cache.container])
    return replace(cache, unread=found.unread.get(cache.container, "no answer"))


def _no_cache_host(clocks: AggregatedResult) -> NodeReport:
    reports = {name: failure(result) for name, result in clocks.items()}
    why = "; ".join(f"{name}: {report.reason}" for name, report in reports.items()) or "interrupted"
    weight = heaviest({report.weight for report in reports.values()}, interrupted=False)
    return NodeReport(Outcome.UNTOUCHED, f"no cache host can be asked: {why}", weight)


def _summed(proofs: Sequence[Proof]) -> tuple[Outcome, str, Exit]:
    unwell = [proof for proof in proofs if not proof.well]
    if not unwell:
        return Outcome.PROVEN, through(proofs), Exit.OK
    reasons = (
        f"{it.image}: {it.reason if it.verdict is not Verdict.PROVEN else it.left or 'not with its cache down'}"
        for it in unwell
    )
    return Outcome.FAILED, "; ".join(reasons), Exit.FAILED


def _details(tried: Tried, proofs: Sequence[Proof]) -> Iterator[str]:
    """What is to be said of a node besides its rows."""
    if tried.way.unproven:
        yield tried.way.unproven
    yield from filter(None, (one.pulled.kept for one in tried.tries))
    yield from filter(None, (proof.left for proof in proofs))
