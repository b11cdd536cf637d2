"""What is to be done on a cache host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from caches.differences import differences
from caches.present import Container, HostFacts
from caches.secrets import config_diff
from caches.spec import BEFORE, Wanted, is_name, name_of, volume_of
from common import unified_diff


class Act(str, Enum):
    """What becomes of one container."""

    CREATE = "create"
    RECREATE = "recreate"
    START = "start"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"
    REMOVE = "remove"
    LEFT = "left"


@dataclass(frozen=True)
class File:
    """A file of the upkeep, as it is to be."""

    path: str
    text: str = field(repr=False)
    mode: str = "0644"


NOTHING_REFUSED: Mapping[str, str] = MappingProxyType({})
UpkeepFiles: TypeAlias = Callable[[Sequence[str]], Sequence[File]]
"""The files that look after containers of these names."""


@dataclass(frozen=True)
class Action:
    """What is to be done with one container, and why. ``data``: its volume goes too; ``folder``: its configuration.

    ``refusal`` says why no more than this is done.
    """

    act: Act
    container: str
    reasons: tuple[str, ...] = ()
    wanted: Wanted | None = None
    data: bool = False
    folder: bool = False
    refusal: str = ""
    diff: str = field(default="", repr=False)

    @property
    def acts(self) -> bool:
        """Whether anything is to be done."""
        return self.act in (Act.CREATE, Act.RECREATE, Act.START, Act.REMOVE)

    @property
    def reason(self) -> str:
        """The reasons in one line."""
        return ", ".join(self.reasons)


@dataclass(frozen=True)
class HostPlan:
    """Everything that is to be done on one cache host, in its order: removals last, but of those that free a port."""

    actions: tuple[Action, ...]
    files: tuple[File, ...]
    diff: str = field(default="", repr=False)

    @property
    def acts(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.files) or any(action.acts for action in self.actions)


@dataclass(frozen=True)
class Consent:
    """What may be removed: containers that are no longer in the table, and their data."""

    prune: bool = False
    prune_data: bool = False


def plan_host(
    facts: HostFacts,
    wanted: Sequence[Wanted],
    upkeep: UpkeepFiles,
    consent: Consent,
    refused: Mapping[str, str] = NOTHING_REFUSED,
) -> HostPlan:
    """Compare what is there with what is wanted. Containers of somebody else are not looked after either.

    ``refused`` has the containers that must stay as they are, each with the reason.
    """
    names = {w.spec.container for w in wanted}
    removals = (
        *(_or_refused(it, refused, None) for it in _removals(facts, names, consent)),
        *_left_behind(facts, names),
    )
    gone = {action.container for action in removals if action.act is Act.REMOVE}
    staying = [there for there in facts.containers if there.name not in gone]
    own = [_or_refused(_action(facts, staying, w), refused, facts.container(w.spec.container)) for w in wanted]
    ports = {it.wanted.spec.port for it in own if it.acts and it.wanted}
    first = [it for it in removals if it.act is Act.REMOVE and _ports(facts, it.container) & ports]
    actions = (*first, *own, *(it for it in removals if it not in first))
    files = upkeep([it.container for it in own if it.act is not Act.REFUSE or _is_ours(facts, it.container)])
    changed = tuple(f for f in files if facts.files.get(f.path) != f.text or facts.modes.get(f.path, f.mode) != f.mode)
    diff = "".join(unified_diff(f.path, facts.files.get(f.path), f.text) for f in changed)
    return HostPlan(actions, changed, "".join(action.diff for action in actions) + diff)


def is_cache(container: Container) -> bool:
    """Return whether a container was deployed by us, or by hand to be a registry."""
    return container.cache is not None or _is_registry(container)


def _or_refused(action: Action, refused: Mapping[str, str], existing: Container | None) -> Action:
    """Return ``action``, or what is left of it where it is refused: an existing cache that is stopped is started."""
    why = refused.get(action.container)
    if why is None:
        return action
    if existing is not None and existing.cache is not None and _is_stopped(existing):
        return Action(Act.START, action.container, (f"it is {existing.status}",), refusal=why)
    return Action(Act.REFUSE, action.container, (why,))


def _is_stopped(existing: Container) -> bool:
    return not existing.runs and existing.status != "restarting"


def _action(facts: HostFacts, staying: Sequence[Container], wanted: Wanted) -> Action:
    spec = wanted.spec
    there = facts.container(spec.container)
    if why := _obstacle(facts, staying, wanted):
        return Action(Act.REFUSE, spec.container, (why,))
    before = facts.files.get(spec.config_file)
    diff = "" if wanted.is_config(before) else config_diff(spec.config_file, before, wanted.config)
    if there is None:
        return Action(Act.CREATE, spec.container, (f"{spec.upstream} on port {spec.port}",), wanted, diff=diff)
    if reasons := differences(facts, there, wanted):
        return Action(Act.RECREATE, spec.container, reasons, wanted, diff=diff)
    if _is_stopped(there):
        return Action(Act.START, spec.container, (f"it is {there.status}",), wanted)
    return Action(Act.UNCHANGED, spec.container, (), wanted)


def _obstacle(facts: HostFacts, staying: Sequence[Container], wanted: Wanted) -> str:
    """Return what of somebody else is in the way of a cache, or nothing."""
    spec = wanted.spec
    there, waiting = facts.container(spec.container), facts.container(spec.container + BEFORE)
    if there is not None and there.cache is None and not _is_registry(there):
        return f"a container of this name runs {there.image}; rename one of them"
    if waiting is not None and waiting.cache is None and not _is_registry(waiting):
        return f"a deploy needs the name {waiting.name}, and a container of it runs {waiting.image}; rename that"
    if taker := _who_has_the_port(staying, wanted):
        return f"port {spec.port} belongs to the container {taker}; --prune removes what is no longer in the table"
    return ""


def _is_ours(facts: HostFacts, container: str) -> bool:
    there = facts.container(container)
    return there is not None and there.cache is not None


def _is_registry(there: Container) -> bool:
    """Whether somebody made it by hand to be a registry."""
    base = there.image.split("@")[0].rsplit("/", 1)[-1].split(":")[0]
    return base in ("registry", "distribution") or any(
        inside in there.mounts for inside in ("/etc/docker/registry/config.yml", "/etc/distribution/config.yml")
    )


def _who_has_the_port(staying: Sequence[Container], wanted: Wanted) -> str | None:
    spec = wanted.spec
    for there in staying:
        mine = there.name in (spec.container, spec.container + BEFORE)
        for address, port in there.ports:
            if not mine and there.runs and port == spec.port and (not address or not spec.bind or address == spec.bind):
                return there.name
    return None


def _ports(facts: HostFacts, container: str) -> set[int]:
    there = facts.container(container)
    return {port for _, port in there.ports} if there else set()


def _removals(facts: HostFacts, names: set[str], consent: Consent) -> Iterator[Action]:
    """What was deployed once and is no longer in the table: containers, and the data of such."""
    for there in facts.containers:
        if there.cache is not None and there.name not in names and not there.name.endswith(BEFORE):
            yield _removal(there.name, names, consent, "it is no longer in the table")
    known = {volume_of(name) for name in (*names, *(there.name for there in facts.containers))}
    for volume in sorted(set(facts.volumes) - known):
        yield _data_removal(volume.removesuffix("-data"), names, consent)


def _left_behind(facts: HostFacts, names: set[str]) -> Iterator[Action]:
    """Predecessors that a deploy could not remove: the scripts do not touch them any more."""
    for there in facts.containers:
        successor = there.name.removesuffix(BEFORE)
        if is_cache(there) and there.name.endswith(BEFORE) and successor in names and facts.container(successor):
            why = f"a deploy of {successor} left it behind; where that serves: docker rm -f {there.name}"
            yield Action(Act.LEFT, there.name, (why,))


def _removal(container: str, names: set[str], consent: Consent, why: str) -> Action:
    if not consent.prune:
        return Action(Act.LEFT, container, (f"{why}; --prune removes it",))
    reasons = (why, "with its data") if consent.prune_data else (why,)
    return Action(Act.REMOVE, container, reasons, data=consent.prune_data, folder=_alone(container, names))


def _data_removal(container: str, names: set[str], consent: Consent) -> Action:
    why = "its data is left, the container is gone"
    if not consent.prune_data:
        return Action(Act.LEFT, container, (f"{why}; --prune-data removes it",))
    return Action(Act.REMOVE, container, (why,), data=True, folder=_alone(container, names))


def _alone(container: str, names: set[str]) -> bool:
    """Whether no cache of the table has its configuration where that of ``container`` is."""
    return is_name(name_of(container)) and name_of(container) not in map(name_of, names)
