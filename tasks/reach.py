"""Knock on the node's SSH port: the cheap check before anything is asked of it."""

from __future__ import annotations

import socket

from nornir.core.task import Result, Task
from nornir_utils.plugins.tasks.networking import tcp_ping

from fleet.connection import CONNECTION
from fleet.errors import Unreachable

KNOCK_SECONDS = 4


def reach(task: Task) -> Result:
    """Raise ``Unreachable`` where nothing answers on the node's SSH port; behind a bastion nothing is tried."""
    options = task.host.get_connection_parameters(CONNECTION)
    if (options.extras or {}).get("jump"):
        return Result(host=task.host, result="behind a bastion")
    port = options.port or 22
    answer = task.run(tcp_ping, ports=[port], timeout=KNOCK_SECONDS)[0].result
    if not answer[port]:
        raise Unreachable(_explain(str(options.hostname), port))
    return Result(host=task.host, result=answer)


def _explain(hostname: str, port: int) -> str:
    try:
        socket.getaddrinfo(hostname, port)
    except OSError:
        return f"{hostname} does not resolve; correct hostname in hosts.yaml or the resolver"
    return f"nothing answers on {hostname}:{port}; is the node up, and its sshd?"
