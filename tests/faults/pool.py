"""The nodes that cells run on: each cell gets a fresh one of its generation, and many are at work at once."""

from __future__ import annotations

import logging
import queue
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from lab import control
from lab.topology import Node

log = logging.getLogger(__name__)


class Pool:
    """Nodes by generation. Those that are to be reset at the same time are reset together: the lab has one lock."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes: dict[str, list[Node]] = defaultdict(list)
        self._free: dict[str, queue.Queue[Node]] = defaultdict(queue.Queue)
        for node in nodes:
            if node.generation:
                self.nodes[node.generation.name].append(node)
                self._free[node.generation.name].put(node)
        self._dirty: queue.Queue[tuple[Node, Future[None]] | None] = queue.Queue()
        self._thread = Thread(target=self._reset_all, daemon=True)
        self._thread.start()

    @contextmanager
    def fresh(self, generation: str) -> Iterator[Node]:
        """Lend a node of ``generation`` with its first bytes. Raises ``LabError`` where it does not come up."""
        node = self._free[generation].get()
        try:
            self.reset(node)
            yield node
        finally:
            self._free[generation].put(node)

    def reset(self, node: Node) -> None:
        """Give a node its first bytes again. Raises ``LabError`` where it does not come up."""
        done: Future[None] = Future()
        self._dirty.put((node, done))
        done.result()

    def close(self) -> None:
        """End the thread that resets."""
        self._dirty.put(None)
        self._thread.join()

    def _reset_all(self) -> None:
        while (first := self._dirty.get()) is not None:
            batch = [first]
            while not self._dirty.empty() and (more := self._dirty.get()) is not None:
                batch.append(more)
            if error := _reset([node for node, _ in batch]):
                log.warning("resetting nodes one by one: %s", error)
            for node, done in batch:
                if error and (again := _reset([node])):
                    done.set_exception(again)
                else:
                    done.set_result(None)


def _reset(nodes: Iterable[Node]) -> Exception | None:
    """Reset ``nodes`` and return what kept them from it: whoever waits for one of them has to hear of it."""
    try:
        control.reset([node.name for node in nodes])
    except Exception as error:
        return error
    return None
