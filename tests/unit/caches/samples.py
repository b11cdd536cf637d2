"""Caches and what Docker says of them."""

from __future__ import annotations

import json
from typing import Any

from caches.image import Image, parse_image
from caches.present import Container, containers
from caches.spec import CacheSpec, Wanted
from templates import render_cache_config

TWO, THREE = parse_image("registry:2"), parse_image("registry:3.1.1")


def spec(container: str = "registry-ghcr", *, image: Image = TWO, **more: Any) -> CacheSpec:
    said: dict[str, Any] = {"registry": "ghcr.io", "upstream": "https://ghcr.io", "port": 5010} | more
    return CacheSpec(container=container, image=image, **said)


def wanted(it: CacheSpec) -> Wanted:
    return Wanted(it, render_cache_config(it))


def inspected(it: Wanted, **more: Any) -> dict[str, Any]:
    """What `docker container inspect` says of a container that was started as ``it`` wants."""
    options = list(it.options)
    labels = [options[n + 1] for n, word in enumerate(options) if word == "--label"]
    return {
        "Id": "f00",
        "Name": f"/{it.spec.container}",
        "Image": "sha256:1",
        "RestartCount": 0,
        "State": {"Status": "running", "StartedAt": "2026-11-24T10:00:00Z"},
        "Config": {"Image": it.spec.image.reference, "Labels": dict(label.split("=", 1) for label in labels)},
        "HostConfig": {
            "RestartPolicy": {"Name": "always"},
            "PortBindings": {"5000/tcp": [{"HostIp": it.spec.bind, "HostPort": str(it.spec.port)}]},
            "Memory": 512 << 20,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
            "ExtraHosts": [f"{name}:{address}" for name, address in it.spec.hosts] or None,
        },
        "Mounts": [
            {"Type": "bind", "Source": it.spec.config_file, "Destination": it.spec.image.config_path},
            {"Type": "volume", "Name": it.spec.volume, "Source": "/v", "Destination": "/var/lib/registry"},
        ],
    } | more


def container(it: Wanted, **more: Any) -> Container:
    return containers(json.dumps([inspected(it, **more)]).encode())[0]


def by_hand(name: str = "registry-ghcr", image: str = "registry:2", port: int = 5010) -> Container:
    """A container such as the one that the seed's command line starts, or any other."""
    mounts = {"/etc/docker/registry/config.yml": "/etc/docker-registry/ghcr/config.yml", "/var/lib/registry": "0abc"}
    return Container(
        name, "1", image, "sha256:1", "running", policy="always", ports=frozenset({("", port)}),
        mounts=mounts if image == "registry:2" else {},
    )  # fmt: skip
