"""Which shims were lost in a restart of containerd, from the traces that they left.

Every container has a shim, which outlives containerd. It ends in order when containerd tells it to, and then removes
the socket that it listened on. One that is killed leaves the socket; one that gets SIGTERM removes it, but then
containerd, as it starts, cleans up after it without having been connected to it (1.6.20, 1.7.24, 2.1.9). The shim of a
job that ended while containerd was away waits for containerd, so that it is not gone by itself.
"""

from __future__ import annotations

import re

_ID = re.compile(r'\bid"?[=:]"?([^\s",}]+)')
_ENDED = re.compile(r"(?<!after )shim disconnected")
_CLEANED = "cleaning up after shim disconnected"


def lost_shims(gone: str, log: str) -> tuple[str, ...]:
    """Return NAMESPACE/ID of every container whose shim was lost.

    ``gone`` has a row for each container whose shim no longer listens: NAMESPACE/ID, a tab, and ``left`` or ``removed``
    for its socket. ``log`` is what containerd logged since the restart of shims that ended; it counts only where
    containerd logs from level info on, which a line of that level shows.
    """
    rows = dict(line.split("\t") for line in gone.splitlines() if line.count("\t") == 1)
    found = _without_an_end(log)
    return tuple(name for name, socket in rows.items() if socket == "left" or name.partition("/")[2] in found)


def _without_an_end(log: str) -> frozenset[str]:
    """The ids that containerd cleaned up after without having been connected to their shims."""
    lines = log.splitlines()
    if not any("level=info" in line or '"level":"info"' in line for line in lines):
        return frozenset()
    ended: set[str] = set()
    lost: set[str] = set()
    for line in lines:
        match = _ID.search(line)
        if match is None:
            continue
        if _CLEANED in line and match.group(1) not in ended:
            lost.add(match.group(1))
        elif _ENDED.search(line):
            ended.add(match.group(1))
    return frozenset(lost)
