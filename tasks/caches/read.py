"""Read a cache host. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from nornir.core.task import Result, Task

from caches.advice import no_docker
from caches.present import HostFacts, containers, image_ids, volumes
from tasks import scripts, wire
from tasks.errors import NodeNotReady
from tasks.reach import reach

READ_SECONDS = 60.0


def read(task: Task, images: Sequence[str], paths: Sequence[str], *, without_docker: bool = False) -> Result:
    """Return a result that holds the ``HostFacts`` of a cache host, as far as they concern ``images`` and ``paths``.

    Raises ``Unreachable``, ``Unreadable``, and ``NodeNotReady`` where Docker does not answer, unless the host may be
    ``without_docker``.
    """
    task.run(reach)
    told = wire.decode(scripts.must(task.host, "caches_read", " ".join(images), *paths, timeout=READ_SECONDS))
    docker, now = wire.text(told, "docker"), wire.text(told, "now")
    facts = HostFacts(
        docker=docker,
        containers=containers(told.get("containers", b"[]")) if docker else (),
        images=image_ids(told.get("images", b"[]")),
        volumes=volumes(told.get("volumes", b"[]")) if docker else {},
        files={k.removeprefix("file:"): v.decode(errors="replace") for k, v in told.items() if k.startswith("file:")},
        modes={k.removeprefix("mode:"): v.decode().strip() for k, v in told.items() if k.startswith("mode:")},
        memory_limits=wire.text(told, "memory") == "true" or not docker,
        cron=wire.text(told, "cron") == "yes",
        installed="docker" in told,
        now=int(now) if now.isdecimal() else None,
    )
    if not docker and not without_docker:
        missing = no_docker(facts)
        raise NodeNotReady(f"{missing.message}; {missing.fix}")
    return Result(host=task.host, result=facts)
