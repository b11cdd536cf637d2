"""Look at the caches of one host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nornir.core.task import Result, Task

from caches.address import Address, Addressing, standing
from caches.health import Health, Seen, examine
from caches.plan import Consent, HostPlan, plan_host
from caches.present import HostFacts
from caches.spec import Wanted
from caches.upkeep import Upkeep
from tasks import scripts, wire
from tasks.caches.files import FILES, upkeep_files
from tasks.caches.read import read

VERIFY_SECONDS = 120.0


@dataclass(frozen=True)
class Verified:
    """The caches of one host, what a deploy would do there, and its address."""

    caches: tuple[Health, ...]
    facts: HostFacts
    plan: HostPlan
    address: Address
    addressing: Addressing


def verify(task: Task, wanted: Sequence[Wanted], upkeep: Upkeep, address: str) -> Result:
    """Return a result that holds the ``Verified`` of a cache host that the nodes know by ``address``.

    Changes nothing, but that a registry which is no proxy is left with the upload that showed it.
    Raises as ``read`` does; that Docker does not answer is a finding.
    """
    images = [it.spec.image.reference for it in wanted]
    facts: HostFacts = task.run(read, images=images, paths=FILES, without_docker=True)[0].result
    words = (word for it in wanted for word in (it.spec.container, it.spec.bind or "127.0.0.1", str(it.spec.port)))
    told = wire.decode(scripts.must(task.host, "caches_verify", *words, timeout=VERIFY_SECONDS))
    files = {key.removeprefix("net:"): wire.text(told, key) for key in told if key.startswith("net:")}
    addressing = Addressing(wire.text(told, "addresses"), wire.text(told, "routes"), files)
    collects = upkeep.gc_day is not None
    healths = tuple(examine(facts, it, seen_of(it.spec.container, told), collects=collects) for it in wanted)
    plan = plan_host(facts, wanted, partial(upkeep_files, upkeep=upkeep), Consent())
    return Result(host=task.host, result=Verified(healths, facts, plan, standing(address, addressing), addressing))


def seen_of(name: str, told: Mapping[str, bytes]) -> Seen:
    """Return what was ``told`` of the cache whose container is ``name``."""
    state = told.get(f"state:{name}")
    return Seen(
        proxied=wire.message(told, f"proxied:{name}").rpartition(" ")[2],
        disk=_number(told, f"disk:{name}"),
        inodes=_number(told, f"inodes:{name}"),
        state=None if state is None else state.decode(errors="replace"),
        state_age=_number(told, f"age:{name}"),
        collected=wire.message(told, f"gc:{name}"),
        collected_age=_number(told, f"gcage:{name}"),
        answer=_status(told.get(f"answer:{name}", b"")),
        upload=_status(told.get(f"upload:{name}", b"")),
        busy=wire.message(told, f"busy:{name}"),
        catalog=_catalog([page for key, page in told.items() if key.startswith(f"catalog:{name}:")]),
    )


def _status(answer: bytes) -> int | None:
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) == 3 and words[0].startswith(b"HTTP/") and words[1].isdigit() else None


def _catalog(pages: Sequence[bytes]) -> int | None:
    """Return how many repositories are in the cache; ``None`` where a page does not say."""
    count = 0
    for page in pages:
        body = page.partition(b"\r\n\r\n")[2]
        try:
            repositories = json.loads(body)["repositories"] if _status(page) == 200 else None
        except (ValueError, KeyError, TypeError):
            repositories = None
        if not isinstance(repositories, list):
            return None
        count += len(repositories)
    return count if pages else None


def _number(told: Mapping[str, bytes], name: str) -> int | None:
    text = wire.text(told, name)
    return int(text) if text.lstrip("-").isdecimal() else None
