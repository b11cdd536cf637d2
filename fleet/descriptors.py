"""How many files this process may have open: a connection to each node, and what is at work on some of them."""

from __future__ import annotations

import errno
import resource

from fleet.errors import UsageError

OF_A_NODE = 1
"""Its connection, which stays open to the end."""
OF_A_NODE_AT_WORK = 8
"""A channel's pipe, what waits for it, a look-up, a question to the agent."""
OF_THE_CONTROLLER = 64
"""Its streams, journals, modules that are being loaded."""


def needed(nodes: int, at_work: int) -> int:
    """Return how many files are open at most with so many nodes, of which so many are at work at once."""
    return OF_THE_CONTROLLER + OF_A_NODE * nodes + OF_A_NODE_AT_WORK * min(nodes, at_work)


def exhausted(error: BaseException) -> str:
    """Return what to do where ``error`` is that no more files can be open, empty where it is another."""
    if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
        return ""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"this controller has too many files open (limit {soft}): raise it with ulimit -n, or select fewer nodes"


def raise_limit(files: int) -> None:
    """Raise the limit of this process to ``files``, where it is below. Raises ``UsageError`` where it must not be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise UsageError(
            f"so many nodes need {files} open files, and this user may have {hard}; raise the hard limit (ulimit -Hn, "
            "limits.conf, LimitNOFILE= of a service), or select fewer nodes"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
