"""The lab's network: a bridge in its own network namespace, a link to the host and to each node, and no way out.

The bridge is not on the host, so that the host's firewall has no say in what nodes send each other.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab import host
from lab.paths import NETNS, PREFIX, machine
from lab.topology import HOST_ADDRESS, Node

SWITCH = f"{PREFIX}-switch"
HOST_LINK = f"{PREFIX}0"


def ensure_switch() -> None:
    """Make the bridge and the host's link to it, unless they are there."""
    if has_switch():
        return
    remove()
    host.call(["ip", "netns", "add", SWITCH])
    _batch(
        None,
        f"link add {HOST_LINK} type veth peer name host netns {SWITCH}",
        f"address add {HOST_ADDRESS}/24 dev {HOST_LINK}",
        f"link set {HOST_LINK} up",
    )
    _batch(SWITCH, "link add bridge type bridge", "link set host master bridge up", "link set bridge up")


def has_switch() -> bool:
    """Return whether the bridge and the host's link to it are there."""
    return (NETNS / SWITCH).exists() and _has_host_link()


def attach(node: Node) -> None:
    """Make a node's network namespace and link, in place of those that it had."""
    detach(node)
    namespace = machine(node.name)
    host.call(["ip", "netns", "add", namespace])
    port = _port(node)
    _batch(
        SWITCH,
        f"link add {port} type veth peer name host0 address {_mac(node)} netns {namespace}",
        f"link set {port} master bridge up",
    )
    addresses = [f"address add {address}/24 dev host0" for address in node.addresses]
    _batch(namespace, "link set lo up", *addresses, "link set host0 up")


def detach(node: Node) -> None:
    """Remove a node's network namespace and its link, if it has them; left to the kernel the link goes too late."""
    if not (NETNS / SWITCH).exists():
        return
    subprocess.run(["ip", "-n", SWITCH, "link", "del", _port(node)], capture_output=True, check=False)
    if (NETNS / machine(node.name)).exists():
        host.call(["ip", "netns", "del", machine(node.name)])


def cut(node: Node) -> None:
    """Unplug a node: nothing reaches it and nothing leaves it, and neither side is told. Connections stay open."""
    host.call(["ip", "-n", SWITCH, "link", "set", _port(node), "down"])


def mend(node: Node) -> None:
    """Plug a node in again."""
    host.call(["ip", "-n", SWITCH, "link", "set", _port(node), "up"])


def namespaces(name: str | None = None) -> list[str]:
    """Return the lab's network namespaces that exist, or the one of a node if it exists."""
    found = sorted(entry.name for entry in NETNS.glob(f"{PREFIX}-*"))
    return found if name is None else [entry for entry in found if entry == machine(name)]


def pids(processes: Iterable[int], name: str | None = None) -> set[int]:
    """Return those of `processes` that run inside a network namespace of the lab, or of one node."""
    inodes = {_inode(f"{NETNS}/{namespace}") for namespace in namespaces(name)} - {None}
    return {pid for pid in processes if _inode(f"/proc/{pid}/ns/net") in inodes} if inodes else set()


def remove() -> None:
    """Remove every link and network namespace of the lab; their processes must have ended."""
    if _has_host_link():
        host.call(["ip", "link", "del", HOST_LINK])
    for namespace in namespaces():
        host.call(["ip", "netns", "del", namespace])
    # `ip netns add` binds the directory of names on itself; the last to leave takes that mount down.
    if f" {NETNS} " in Path("/proc/self/mountinfo").read_text() and not any(NETNS.iterdir()):
        host.call(["umount", str(NETNS)])


def _port(node: Node) -> str:
    return f"node{node.number}"


def _mac(node: Node) -> str:
    """Return the node's hardware address, the same after each reset: neighbours remember it for a minute."""
    return f"02:00:c6:12:14:{node.number:02x}"


def _has_host_link() -> bool:
    return os.path.exists(f"/sys/class/net/{HOST_LINK}")  # noqa: PTH110


def _batch(namespace: str | None, *lines: str) -> None:
    where = ["-n", namespace] if namespace else []
    host.call(["ip", *where, "-batch", "-"], text="\n".join(lines) + "\n")


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116
    except OSError:  # it has ended, or there is nothing mounted
        return None
