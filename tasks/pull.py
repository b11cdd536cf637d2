"""Pull an image on one node, the way that the node's own pulls go."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from common import Reference
from containerd.hosts import HostEntry, HostsToml, host_dir
from containerd.model import Daemon
from containerd.probe import Way
from fleet.errors import CommandTimeout
from tasks import scripts, wire
from tasks.errors import StepFailed
from templates import render_hosts_toml

PULL_SECONDS = 60
"""What one pull may take: a mirror that drops packets costs 30 s for each request (containerd #4861)."""
CLEAN_SECONDS = 60
CLOSED_PORT = 9
FAILED = 1
"""The exit code of a script that has given up by itself, and put back what it had changed."""


@dataclass(frozen=True)
class Pulled:
    """How a pull went: `error` is empty where the image came.

    `left` says what could not be put back on the node, and `kept` what is needed there by now. With `here` what the
    image's name stands for was on the node before: containerd asks for no content then, and `seconds` say little.
    """

    seconds: float
    error: str = ""
    left: str = ""
    kept: str = ""
    here: bool = False


def pull(task: Task, daemon: Daemon, image: Reference, way: Way) -> Result:
    """Pull ``image`` and take it away again; the result holds a ``Pulled``, also where the pull failed.

    With crictl it is pulled into k8s.io, where only what was absent before is removed, and nothing that a container was
    started from meanwhile. With ctr it is pulled into a namespace of its own, which is removed whole. A node that loses
    its power in between keeps either; the namespace goes with the next verification there. Raises ``ConnectionLost``.
    """
    if way.crictl:
        told = _run(task.host, "pull_with_crictl", daemon, image, way.crictl, image.name)
    else:
        told = _run(task.host, "pull_with_ctr", daemon, image, way.hosts_dir, "", stdin=_directories(way.hosts))
    return Result(host=task.host, result=told)


def fall_back(task: Task, daemon: Daemon, image: Reference, upstream: str) -> Result:
    """Pull ``image`` with ctr by a directory of its own, whose mirror is a closed port of the node's loopback.

    That it comes proves that containerd goes on to ``upstream`` when a cache is down; the node's own files play no
    part. The result holds a ``Pulled``. Raises ``ConnectionLost``.
    """
    hosts = HostsToml(upstream, (HostEntry(f"http://127.0.0.1:{CLOSED_PORT}"),))
    stdin = _directories({host_dir(image.registry): render_hosts_toml(hosts)})
    return Result(
        host=task.host, result=_run(task.host, "pull_with_ctr", daemon, image, "", str(CLOSED_PORT), stdin=stdin)
    )


def _run(host: Host, way: str, daemon: Daemon, image: Reference, *args: str, stdin: bytes = b"") -> Pulled:
    words = (daemon.ctr, daemon.socket, str(image), str(PULL_SECONDS), daemon.root, *args)
    # It waits for another verification as long as a pull may take.
    limit = 2 * PULL_SECONDS + CLEAN_SECONDS
    cut_off = f"what was pulled of {image} may be left here; the next verification removes what ctr pulled"
    try:
        done = scripts.run(host, "pull", *words, part=way, stdin=stdin, timeout=limit)
        if done.exit_code != 0:
            return Pulled(0.0, f"pull: {done.complaint}", "" if done.exit_code == FAILED else cut_off)
        return _told(wire.decode(done.stdout))
    except (CommandTimeout, StepFailed) as error:
        return Pulled(0.0, str(error), cut_off)


def _told(told: Mapping[str, bytes]) -> Pulled:
    began, ended = map(float, wire.text(told, "times").split())
    left, kept = wire.message(told, "left"), wire.message(told, "kept")
    return Pulled(round(ended - began, 2), _error(told), left, kept, wire.text(told, "here") == "yes")


def _error(told: Mapping[str, bytes]) -> str:
    code = wire.text(told, "code")
    if code == "0":
        return ""
    if code == "124":
        return f"it took longer than {PULL_SECONDS} s"
    lines = wire.message(told, "said").splitlines()
    return lines[-1].strip() if lines else f"exit code {code}"


def _directories(hosts: Mapping[str, str]) -> bytes:
    """Return hosts.toml files as ``pull_with_ctr.sh`` reads them."""
    return b"".join(b"%s\t%s\n" % (name.encode(), base64.b64encode(text.encode())) for name, text in hosts.items())
