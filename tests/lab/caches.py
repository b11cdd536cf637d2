"""What lab tests ask of the cache host and of the upstream, and what they do to them."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab import images
from lab.images import Image
from lab.topology import CACHE_ADDRESS, UPSTREAMS
from tests.lab.nodes import LabNode

DATA = "/var/lib/registry"
SERVERS = {it.registry: it.server for it in UPSTREAMS}
LINE = re.compile(r'^(\S+) - \S+ \[[^]]+\] "([A-Z]+) (\S+) HTTP/[\d.]+" (\d+) \d+ "[^"]*" "([^"]*)"$', re.MULTILINE)


@dataclass(frozen=True)
class Request:
    """One request in the log of a registry, be it a cache or an upstream."""

    client: str
    method: str
    path: str
    status: int
    agent: str


def requests(log: str) -> list[Request]:
    """Return the requests in a registry's log, the oldest first."""
    return [Request(client, verb, path, int(code), agent) for client, verb, path, code, agent in LINE.findall(log)]


@dataclass(frozen=True)
class CacheHost(LabNode):
    """The machine that the caches run on; `container` is the name of one, as in `registry-ghcr`."""

    name: str = "registry-vm"

    def log(self, container: str) -> str:
        return self.sh(f"docker logs {container} 2>&1")

    def requests(self, container: str) -> list[Request]:
        return requests(self.log(container))

    def crash(self, container: str) -> None:
        """End its process as the kernel does when memory is short: Docker starts it again, if it is told to."""
        self.sh(f"kill -9 $(docker inspect --format '{{{{.State.Pid}}}}' {container})")

    def kill(self, container: str) -> None:
        """End it for good: nothing starts it again but dockerd's own restart."""
        self.sh(f"docker kill {container}")

    def stop_docker(self) -> None:
        """Stop dockerd and its containers, and keep the socket from starting it again."""
        self.sh("systemctl stop docker.socket docker.service")

    def start_docker(self) -> None:
        self.sh("systemctl start docker.socket docker.service")

    def data(self, container: str) -> str:
        """The directory on the host where a cache's data is."""
        return self.sh(
            f'docker inspect --format \'{{{{range .Mounts}}}}{{{{if eq .Destination "{DATA}"}}}}{{{{.Source}}}}'
            f"{{{{end}}}}{{{{end}}}}' {container}"
        ).strip()

    @contextmanager
    def full_disk(self, container: str, room: int = 0) -> Iterator[None]:
        """Have a cache's data on a file system of 64 MiB with `room` bytes free; before and after, it is restarted."""
        data = self.data(container)
        filler = f"$((64 * 1024 * 1024 - $(du -s -B1 {data} | cut -f1) - {room}))"
        self.sh(
            f"docker stop {container} && mv {data} {data}.disk && mkdir {data} && "
            f"mount -t tmpfs -o size=64m,mode=755 cache {data} && cp -a {data}.disk/. {data} && "
            f"{{ head -c {filler} /dev/zero >{data}/filler || true; }} && docker start {container}"
        )
        try:
            yield
        finally:
            self.sh(
                f"docker stop {container}; umount {data} && rmdir {data} && mv {data}.disk {data} && "
                f"docker start {container}"
            )

    def lease(self, seconds: int | None = 3600) -> None:
        """Make its address one that DHCP gave for so long; None makes it a static one again."""
        life = seconds or "forever"
        self.sh(f"ip address change {CACHE_ADDRESS}/24 dev host0 valid_lft {life} preferred_lft {life}")


@dataclass(frozen=True)
class UpstreamHost(LabNode):
    """The machine behind the real names; a registry is what images are named by, as in `docker.io`."""

    name: str = "upstream"

    def stop(self, registry: str) -> None:
        """Refuse connections to one registry."""
        self.sh(f"systemctl stop {_unit(registry)}")

    def start(self, *registries: str) -> None:
        """Start registries, all when none is named, also those that hang."""
        units = " ".join(map(_unit, registries or SERVERS))
        self.sh(f"systemctl kill --signal=CONT {units} 2>/dev/null; systemctl start {units}")
        for registry in registries or SERVERS:
            url = f"https://{SERVERS[registry]}/v2/"
            self.sh(f"curl -sS --retry 50 --retry-delay 0 --retry-max-time 10 --retry-connrefused -o /dev/null {url}")

    def hang(self, registry: str) -> None:
        """Accept connections to one registry, and never answer."""
        self.sh(f"systemctl kill --signal=STOP {_unit(registry)}")

    def slow(self, megabits: int | None) -> None:
        """Send no more than this a second, all registries together; None takes the limit away."""
        self.sh("tc qdisc del dev host0 root 2>/dev/null || true")
        if megabits:
            self.sh(f"tc qdisc add dev host0 root tbf rate {megabits}mbit burst 32k latency 400ms")

    def publish(self, registry: str, repository: str, tag: str = "1", text: str = "", ballast: int = 0) -> Image:
        """Give a registry an image, or move a tag; the same text and ballast make the same layer."""
        image = Image(repository, tag, text or f"{registry}/{repository}:{tag}", ballast)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, data in images.files(image).items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        self.feed(f"tar -xf - -C /srv/{SERVERS[registry]}", buffer.getvalue())
        return image

    def requests(self, registry: str) -> list[Request]:
        return requests(self.sh(f"journalctl --no-pager --output=cat --unit={_unit(registry)}"))


def _unit(registry: str) -> str:
    return f"upstream@{SERVERS[registry]}.service"
