"""How a cache is: what was seen of it, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from caches.advice import no_docker
from caches.differences import differences
from caches.plan import Act, HostPlan
from caches.present import Container, HostFacts
from caches.spec import Wanted, volume_of
from common import Finding, Severity

FULL, FILLING = 95, 80
"""Percent of a disk, or of its inodes."""
GC_DAYS = 8
LOOP_SECONDS = 300
"""One that Docker has restarted so short a time ago may be about to die again."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one cache besides Docker's own word, in percent, seconds and numbers; ``None``: not known.

    ``proxied`` is the upstream that its log names; ``state`` the text of its scheduler-state.json; ``busy`` what has
    stopped it and is still at work.
    """

    proxied: str = ""
    disk: int | None = None
    inodes: int | None = None
    state: str | None = field(default=None, repr=False)
    state_age: int | None = None
    collected: str = ""
    collected_age: int | None = None
    answer: int | None = None
    upload: int | None = None
    catalog: int | None = None
    busy: str = ""


@dataclass(frozen=True)
class Health:
    """One cache, as it was examined."""

    container: str
    upstream: str
    status: str
    restarts: int
    seen: Seen
    findings: tuple[Finding, ...]
    unreachable: Mapping[str, str] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether there is no error, here and from any node that was asked."""
        return not self.unreachable and all(finding.severity is not Severity.ERROR for finding in self.findings)


def examine(facts: HostFacts, wanted: Wanted, seen: Seen, *, collects: bool = True) -> Health:
    """Judge one cache; ``collects`` says whether its garbage is to be collected at all."""
    spec, there = wanted.spec, facts.container(wanted.spec.container)
    if not facts.docker:
        return Health(spec.container, spec.upstream, "unknown", 0, seen, (no_docker(facts),))
    if there is None:
        fix = "python main.py caches deploy"
        missing = Finding("no-container", Severity.ERROR, spec.container, "there is no such container", fix)
        return Health(spec.container, spec.upstream, "missing", 0, seen, (missing,))
    if seen.busy and not there.runs:
        at_work = Finding(
            "busy", Severity.ERROR, spec.container, f"{seen.busy} is at work", "ask again when it is done"
        )
        return Health(spec.container, spec.upstream, there.status, there.restarts, seen, (at_work,))
    found = [*_container(facts, there, wanted), *_serving(wanted, seen), *_storage(spec.container, seen)]
    if collects:
        found += _collections(facts, there, seen)
    return Health(spec.container, spec.upstream, there.status, there.restarts, seen, tuple(found))


def host_findings(plan: HostPlan) -> tuple[Finding, ...]:
    """Return what a deploy of ``plan`` would put right, or leave, beside the caches themselves."""
    fix = "python main.py caches deploy"
    return (
        *(Finding("upkeep", Severity.ERROR, it.path, "it is not what was deployed, or gone", fix) for it in plan.files),
        *(
            Finding("left", Severity.WARNING, it.container, it.reason, f"to see it: {fix} --dry-run")
            for it in plan.actions
            if it.act is Act.LEFT
        ),
    )


def _container(facts: HostFacts, there: Container, wanted: Wanted) -> Iterator[Finding]:
    spec, logs = wanted.spec, f"docker logs {wanted.spec.container}"
    if not there.runs:
        message = f"it is {there.status}, after {there.restarts} restarts"
        fix = logs if there.status == "restarting" else f"start it with: python main.py caches deploy; {logs} says why"
        yield Finding("not-running", Severity.ERROR, spec.container, message, fix)
    elif there.restarts:
        yield _restarted(there, facts.since(there.started), logs)
    if reasons := differences(facts, there, wanted):
        message = f"it is not as the inventory wants it: {', '.join(reasons)}"
        yield Finding("drift", Severity.ERROR, spec.container, message, "python main.py caches deploy")


def _restarted(there: Container, ago: int | None, fix: str) -> Finding:
    message = f"Docker has restarted it {there.restarts} times"
    if ago is None or ago >= LOOP_SECONDS:
        return Finding("restarts", Severity.WARNING, there.name, message, fix)
    message = f"{message}, the last time {ago} s ago: it may go on so"
    return Finding("restart-loop", Severity.ERROR, there.name, message, f"{fix}; ask again in {LOOP_SECONDS} s")


def _serving(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    spec = wanted.spec
    if seen.answer not in (200, 401):
        said = "does not answer" if seen.answer is None else f"answers with {seen.answer}"
        fix = f"docker logs {spec.container}"
        yield Finding("no-answer", Severity.ERROR, f"port {spec.port}", f"/v2/ {said}", fix)
    elif seen.upload != 405:
        message = f"an upload is answered with {seen.upload}, not with 405: it is no proxy"
        yield Finding("no-proxy", Severity.ERROR, f"port {spec.port}", message, "python main.py caches deploy")
    elif seen.catalog is None:
        message = "/v2/_catalog does not list its repositories"
        yield Finding("no-catalog", Severity.ERROR, f"port {spec.port}", message, f"docker logs {spec.container}")
    if seen.proxied and seen.proxied.rstrip("/") != spec.upstream:
        message = f"it proxies {seen.proxied}, not {spec.upstream}"
        yield Finding("other-upstream", Severity.ERROR, spec.container, message, "python main.py caches deploy")


def _storage(container: str, seen: Seen) -> Iterator[Finding]:
    for what, used in (("disk", seen.disk), ("inodes", seen.inodes)):
        if used is not None and used >= FILLING:
            severity = Severity.ERROR if used >= FULL else Severity.WARNING
            yield Finding(
                f"{what}-full", severity, container, f"{used} % of its {what} are used", "give it a larger disk"
            )
    if seen.state is not None and not _parses(seen.state):
        message = "scheduler-state.json does not parse: it panics at its next start (distribution#4478)"
        fix = "remove the file, and know that what is cached then never expires"
        yield Finding("broken-state", Severity.ERROR, container, message, fix)
    if seen.state is None and seen.disk is not None and seen.catalog:
        message = f"there is no scheduler-state.json beside {seen.catalog} repositories: what is cached never expires"
        remove = f"docker rm -f {container}, docker volume rm {volume_of(container)}"
        fix = f"to begin anew: {remove}, then: python main.py caches deploy"
        yield Finding("no-state", Severity.WARNING, container, message, fix)


def _collections(facts: HostFacts, there: Container, seen: Seen) -> Iterator[Finding]:
    fix = "journalctl -t containerd-fleet-caches"
    if seen.collected and seen.collected != "ok":
        message = f"the last garbage collection {seen.collected}"
        yield Finding("gc-failed", Severity.WARNING, there.name, message, fix)
        return
    age = facts.since(there.created) if seen.collected_age is None else seen.collected_age
    if age is not None and age > GC_DAYS * 86400:
        message = f"no garbage collection for {age // 86400} days"
        yield Finding("gc-old", Severity.WARNING, there.name, message, fix)


def _parses(state: str) -> bool:
    try:
        parsed = json.loads(state)
    except ValueError:
        return False
    return parsed is None or isinstance(parsed, dict)
