"""What is on a cache host, as Docker tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caches.errors import Unreadable
from caches.spec import HASH, OWNED


@dataclass(frozen=True)
class Container:
    """One container: what it was started with, and how it is. Times are seconds since the epoch."""

    name: str
    id: str
    image: str
    image_id: str
    status: str
    created: int | None = None
    started: int | None = None
    restarts: int = 0
    policy: str = ""
    ports: frozenset[tuple[str, int]] = frozenset()
    mounts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    memory: int = 0
    logs: tuple[str, str, str] = ("", "", "")
    hosts: tuple[str, ...] = ()

    @property
    def cache(self) -> str | None:
        """The cache that it was deployed as; ``None`` for a container of somebody else's."""
        return self.labels.get(OWNED)

    @property
    def digest(self) -> str:
        """The sum of the configuration that it was deployed with."""
        return self.labels.get(HASH, "")

    @property
    def runs(self) -> bool:
        """Whether it is up, and not between two attempts to start."""
        return self.status == "running"


@dataclass(frozen=True)
class HostFacts:
    """A cache host as it was read.

    ``docker`` is the version of the daemon, empty where none answers. ``files`` are texts by path, ``images`` ids by
    reference, ``volumes`` caches by name; ``now`` is the second since the epoch on the host's clock.
    """

    docker: str
    containers: tuple[Container, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    modes: Mapping[str, str] = field(default_factory=dict)
    memory_limits: bool = True
    cron: bool = True
    installed: bool = True
    now: int | None = None

    def container(self, name: str) -> Container | None:
        """Return the container of that name."""
        return next((there for there in self.containers if there.name == name), None)

    def since(self, second: int | None) -> int | None:
        """Return how many seconds ago that was; ``None`` where it is not known."""
        return None if second is None or self.now is None else self.now - second


def containers(inspected: bytes) -> tuple[Container, ...]:
    """Read the answer of `docker inspect` for containers. Raises ``Unreadable``."""
    return tuple(_container(item) for item in _list(inspected))


def image_ids(inspected: bytes) -> dict[str, str]:
    """Read the answer of `docker image inspect`: the id behind each tag and digest. Raises ``Unreadable``."""
    ids: dict[str, str] = {}
    for item in _list(inspected):
        for reference in [*(item.get("RepoTags") or ()), *(item.get("RepoDigests") or ())]:
            ids[_short(reference)] = str(item.get("Id"))
    return ids


def volumes(inspected: bytes) -> dict[str, str]:
    """Read the answer of `docker volume inspect`: the cache that each labelled volume was made for."""
    labels = {str(item.get("Name")): item.get("Labels") or {} for item in _list(inspected)}
    return {name: label[OWNED] for name, label in labels.items() if OWNED in label}


def image_id(reference: str, ids: Mapping[str, str]) -> str | None:
    """Return the id of the image that ``reference`` names now; ``None`` where it is not there."""
    name, at, digest = _short(reference).partition("@")
    untagged = name.rsplit(":", 1)[0] if ":" in name.rsplit("/", 1)[-1] else name
    return ids.get(f"{untagged}@{digest}") if at else ids.get(name)


def _container(item: Mapping[str, Any]) -> Container:
    try:
        state, host, config = item["State"], item["HostConfig"], item["Config"]
        log = host.get("LogConfig") or {}
        options = log.get("Config") or {}
        return Container(
            name=item["Name"].lstrip("/"),
            id=item["Id"],
            image=config["Image"],
            image_id=item["Image"],
            status=state["Status"],
            created=_second(item.get("Created", "")),
            started=_second(state.get("StartedAt", "")),
            restarts=int(item.get("RestartCount", 0)),
            policy=(host.get("RestartPolicy") or {}).get("Name", ""),
            ports=frozenset(_ports(host.get("PortBindings") or {})),
            mounts={m["Destination"]: m.get("Name") or m.get("Source", "") for m in item.get("Mounts") or ()},
            labels=config.get("Labels") or {},
            memory=int(host.get("Memory") or 0),
            logs=(log.get("Type", ""), options.get("max-size", ""), options.get("max-file", "")),
            hosts=tuple(host.get("ExtraHosts") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"docker inspect of {item.get('Name', 'a container')} is not understood: {error!r}") from None


def _ports(bindings: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    for bound in bindings.values():
        for place in bound or ():
            if place.get("HostPort"):
                yield _any(place.get("HostIp", "")), int(place["HostPort"])


def _any(address: str) -> str:
    return "" if address in ("0.0.0.0", "::") else address  # noqa: S104  # what Docker writes, not where we listen


def _second(time: str) -> int | None:
    """Read what Docker writes: UTC, with up to nine digits behind the second. The year 1 is never."""
    try:
        second = int(datetime.fromisoformat(f"{time[:19]}+00:00").timestamp())
    except ValueError:
        return None
    return second if second > 0 else None


def _short(reference: str) -> str:
    return reference.removeprefix("docker.io/").removeprefix("library/")


def _list(inspected: bytes) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(inspected or b"[]")
    except ValueError:
        raise Unreadable("what docker inspect says is not JSON") from None
    if not isinstance(parsed, list):
        raise Unreadable("what docker inspect says is not a list")
    return parsed
