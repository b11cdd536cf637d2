"""What is done to the lab as a whole, under its lock; another checkout's lab is left alone."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

from lab import cgroups, health, host, image, keys, machine, network, roots, state, topology
from lab.errors import LabError, LabUsageError
from lab.paths import CHECKOUT, LAYERS, NODES, RECORD
from lab.process import Process
from lab.state import Record
from lab.topology import Node

log = logging.getLogger(__name__)

AT_ONCE = 8


def nodes() -> tuple[Node, ...]:
    """Return the lab's inventory, as it runs or, while it is down, as it would by default."""
    record = state.read()
    return topology.fleet(record.workers if record else 0)


def up(workers: int = 0) -> tuple[Node, ...]:
    """Start the default nodes and `workers` more, and return the inventory once all of them answer.

    What runs already stays, with its contents; what an earlier lab left is cleared first.
    Installs missing packages, builds missing root file systems and raises kernel limits.
    Raises LabError when the machine cannot, another checkout has the lab, or a node does not answer.
    """
    with _mine() as found:
        topology.fleet(workers)
        host.install_missing()
        host.raise_limits()
        running = _running(found)
        if not running:
            _clear()
        record = Record(
            str(CHECKOUT), max(workers, found.workers if running and found else 0), state.boot_id(), running
        )
        inventory = topology.fleet(record.workers)
        roots.ensure(node.root for node in topology.booted(inventory))
        keys.ensure(topology.booted(inventory))
        network.ensure_switch()
        missing = [node for node in topology.booted(inventory) if node.name not in running]
        _start(record, missing)
        health.wait(topology.booted(inventory))
    return inventory


def down(force: bool = False) -> bool:
    """End the lab, or what is left of one: its processes, mounts, networks and overlays.

    Keys and root file systems stay.
    Returns whether there was anything of it. Raises LabError when another checkout has it up and `force` is not given.
    """
    with _mine(force) as found:
        something = found is not None or bool(machine.pids()) or bool(network.namespaces())
        _clear()
        roots.remove_partial()
    return something


def reset(names: Sequence[str] = ()) -> None:
    """Give these nodes, or all, a fresh overlay: the first bytes of every file, and the same host key.

    Raises LabError when the lab is down, and LabUsageError for a node that it does not have.
    """
    with _mine() as found:
        running = _running(found)
        if found is None or not running:
            raise LabError("the lab is down: start it with `lab up`")
        chosen = select(topology.fleet(found.workers), names)
        left = {name: it for name, it in running.items() if name not in {node.name for node in chosen}}
        _start(replace(found, supervisors=left), chosen)
        health.wait(chosen)


def select(inventory: Sequence[Node], names: Sequence[str]) -> list[Node]:
    """Return the booted nodes of these names, all of them when none is given.

    Raises LabUsageError for a name that is not one.
    """
    known = {node.name: node for node in topology.booted(inventory)}
    if unknown := [name for name in names if name not in known]:
        raise LabUsageError(f"the lab has no node {', '.join(unknown)}; it has {', '.join(known)}")
    return [known[name] for name in names or known]


@contextmanager
def _mine(force: bool = False) -> Iterator[Record | None]:
    """Hold the lab's lock, with the record of the lab that was found."""
    state.require_able()
    with state.lock():
        found = state.read()
        if found and found.owner != str(CHECKOUT) and not force and machine.pids():
            raise LabError(
                f"the lab is up and belongs to {found.owner}; take it down there, or with `lab down --force`"
            )
        yield found


def _running(found: Record | None) -> dict[str, Process]:
    """Return what runs as it was recorded; nothing when the network that it needs is gone."""
    if found is None or not network.has_switch():
        return {}
    return {name: supervisor for name, supervisor in found.supervisors.items() if found.alive(name)}


def _start(record: Record, missing: Sequence[Node]) -> None:
    """Start nodes anew, several at once, and record each outcome; `record` has those that stay."""
    state.write(record)
    if not missing:
        return
    log.info("starting nodes: %d", len(missing))
    for root in {node.root for node in missing}:
        image.layer(root)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = dict(zip((node.name for node in missing), pool.map(_start_one, missing), strict=True))
    state.write(replace(record, supervisors={**record.supervisors, **started}))


def _start_one(node: Node) -> Process:
    machine.stop(node)
    return machine.start(node)


def _clear() -> None:
    """Remove everything of a lab but its keys, its logs and the root file systems."""
    machine.kill()
    network.remove()
    cgroups.remove()
    for directory in (NODES, LAYERS):
        with suppress(FileNotFoundError):
            shutil.rmtree(directory)
    RECORD.unlink(missing_ok=True)
