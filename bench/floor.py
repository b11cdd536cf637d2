"""The least that our transport can cost a transaction: two connections and four empty calls a node, and nothing else.

Run by bench/side_by_side.py: python -m bench.floor INVENTORY NODE,…
"""

from __future__ import annotations

import sys
from pathlib import Path

from nornir.core.task import Result, Task

from fleet.inventory import load
from fleet.remote import ShellScript
from fleet.session import nornir_for
from fleet.ssh import remote_of
from fleet.stop import Stop

EMPTY = ShellScript("empty", ":\n")


def calls(task: Task) -> Result:
    """Call the node three times, connect again, and call it once more, as a transaction does."""
    remote = remote_of(task.host)
    for _ in range(3):
        remote.run(EMPTY)
    remote.reconnect()
    remote.run(EMPTY)
    return Result(host=task.host)


def main() -> None:
    """Do it on the nodes that are named, all at once."""
    inventory, names = sys.argv[1:]
    stop = Stop(print, reads=True)
    with nornir_for(load(Path(inventory)), names.split(","), [], stop) as nornir, stop.listening():
        if nornir.run(calls).failed:
            raise SystemExit("a node does not answer")


if __name__ == "__main__":
    main()
