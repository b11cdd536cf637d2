"""Knock on the node's SSH port: the cheap check before anything is asked of it."""

from __future__ import annotations

import socket

from nornir.core.task import Result, Task
from nornir_utils.plugins.tasks.networking import tcp_ping

from fleet.errors import Unreachable
from fleet.ssh import remote_of

KNOCK_SECONDS = 4


def reach(task: Task) -> Result:
    """Raise ``Unreachable`` where the name does not resolve or nothing answers; behind a bastion nothing is tried."""
    door = remote_of(task.host).door
    if door is None:
        return Result(host=task.host, result="behind a bastion")
    hostname, port = door
    if not _has_ipv4(hostname, port):
        return Result(host=task.host, result="tcp_ping speaks IPv4 only")
    answer = task.run(tcp_ping, ports=[port], timeout=KNOCK_SECONDS, host=hostname)[0].result
    if not answer[port]:
        raise Unreachable(f"nothing answers on {hostname}:{port}; is the node up, and its sshd?")
    return Result(host=task.host, result=answer)


def _has_ipv4(hostname: str, port: int) -> bool:
    try:
        families = {family for family, *_ in socket.getaddrinfo(hostname, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise Unreachable(f"{hostname} does not resolve; correct hostname in hosts.yaml or the resolver") from None
    return socket.AF_INET in families
