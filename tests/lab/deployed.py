"""What lab tests ask of caches that `caches deploy` made, and what happens to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.images import Image
from tests.lab.caches import CacheHost
from tests.lab.nodes import Ran, fleet, until

PORTS = {
    "registry": 5000,
    "registry-ghcr": 5010,
    "registry-quay": 5020,
    "registry-k8s": 5030,
    "registry-kyverno": 5040,
}
TINY = Image("lab/tiny", "1", "ghcr.io/lab/tiny:1")
SCRIPTS = "/usr/local/lib/containerd-fleet"
GHCR = "container: registry-ghcr,"


def deploy(*words: str) -> Ran:
    return fleet("caches", "deploy", "--yes", "--json", *words)


def outcomes(ran: Ran) -> dict[str, str]:
    assert "Traceback" not in ran.stdout + ran.stderr
    host: dict[str, Any] = ran.json["hosts"]["registry-vm"]
    assert "reason" not in host, host["reason"]
    return {name: cache["outcome"] for name, cache in host["caches"].items()}


def reason(ran: Ran, container: str) -> str:
    said: str = ran.json["hosts"]["registry-vm"]["caches"][container]["reason"]
    return said


def ids(host: CacheHost) -> dict[str, str]:
    lines = host.sh("docker ps -a --no-trunc --format '{{.Names}} {{.ID}}'").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def started(host: CacheHost, container: str) -> str:
    return host.sh(f"docker inspect -f '{{{{.State.StartedAt}}}} {{{{.State.Status}}}}' {container}").strip()


def serves(host: CacheHost, container: str = "registry-ghcr") -> bool:
    return host.sh(f"curl -s -o /dev/null -w '%{{http_code}}' localhost:{PORTS[container]}/v2/ || true") == "200"


def fill(host: CacheHost, image: Image = TINY, container: str = "registry-ghcr") -> None:
    """Have an image in the cache, as a pull leaves it there, and the scheduler's state on disk, for good."""
    state = f"{host.data(container)}/scheduler-state.json"
    if host.sh(f"grep -s {image.repository}@ {state} || true"):
        return
    url = f"localhost:{PORTS[container]}/v2/{image.repository}"
    host.sh(f"curl -sSf -o /dev/null {url}/manifests/{image.tag} -H 'Accept: application/vnd.oci.image.index.v1+json'")
    host.sh(f"curl -sSf -o /dev/null {url}/blobs/{image.layer}")
    # It is written five seconds after the last change.
    until(lambda: host.sh(f"grep -s {image.repository}@ {state} || true"))


@contextmanager
def wrapped(host: CacheHost, word: str, before: str = ":", after: str = "", command: str = "docker") -> Iterator[None]:
    """Have something happen around one of a command's own commands."""
    rest = f'/usr/bin/{command} "$@"; code=$?; {after}; exit $code' if after else f'exec /usr/bin/{command} "$@"'
    case = f'case "$*" in *"{word}"*) {before}; {rest} ;; esac'
    path = f"/usr/local/sbin/{command}"
    host.sh(f"cat >{path} && chmod 755 {path}", f'#!/bin/sh\n{case}\nexec /usr/bin/{command} "$@"\n')
    try:
        yield
    finally:
        host.sh(f"rm -f {path}")


def script(host: CacheHost, name: str, container: str = "registry-ghcr", **settings: int) -> tuple[int, str]:
    words = [*(f"{key}={value}" for key, value in settings.items()), f"{SCRIPTS}/{name}", container]
    said = host.sh(f"env {' '.join(words)} 2>&1; echo $?").splitlines()
    return int(said[-1]), said[-2] if len(said) > 1 else ""


def upkeep_log(host: CacheHost) -> str:
    return host.sh("journalctl -t containerd-fleet-caches -o cat")


def verify(*words: str) -> Ran:
    ran = fleet("caches", "verify", "--json", *words)
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran


def unwell(ran: Ran) -> dict[str, list[str]]:
    caches = ran.json["hosts"]["registry-vm"]["caches"]
    return {name: [it["code"] for it in cache["findings"]] for name, cache in caches.items() if not cache["well"]}
