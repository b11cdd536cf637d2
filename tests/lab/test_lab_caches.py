"""The lab's cache host and its Internet are what the caches of a fleet meet."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import control, health
from lab.errors import LabError
from lab.topology import CACHE_HOST, UPSTREAM
from tests.lab.caches import CacheHost, UpstreamHost
from tests.lab.nodes import MIRROR, LabNode

Fresh = Callable[..., list[LabNode]]

CONFIG = """\
version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
http: {addr: ":5000"}
proxy: {remoteurl: https://ghcr.io}
"""
RUN = (
    "docker run -p 5010:5000 -d --restart always --name registry-ghcr"
    " -v /etc/docker-registry/ghcr/config.yml:/etc/docker/registry/config.yml registry:2"
)
HOSTS = f'server = "https://ghcr.io"\n[host."{MIRROR}:5010"]\n  capabilities = ["pull", "resolve"]\n'
PRIVATE = "/root/certs.d"
GENERATIONS = {"worker-1": "1.6.20", "worker-2": "1.7.24", "worker-4": "2."}
STOCK = (
    *("docker.io/library/tiny:1", "ghcr.io/lab/tiny:1", "ghcr.io/lab/big:1"),
    *("quay.io/lab/tiny:1", "registry.k8s.io/tiny:1", "reg.kyverno.io/lab/tiny:1"),
)


@pytest.fixture
def cache(cache_host: CacheHost) -> CacheHost:
    """The cache host with a cache of ghcr.io, as the seed runs it."""
    cache_host.write("/etc/docker-registry/ghcr/config.yml", CONFIG)
    cache_host.sh(RUN)
    _answers(cache_host)
    return cache_host


def test_each_generation_pulls_through_a_cache(fresh: Fresh, cache: CacheHost) -> None:
    for node in fresh(*GENERATIONS):
        node.write(f"{PRIVATE}/ghcr.io/hosts.toml", HOSTS)
        node.sh(f"ctr -n probe images pull --hosts-dir {PRIVATE} ghcr.io/lab/tiny:1")
    asked = [it for it in cache.requests("registry-ghcr") if it.path == "/v2/lab/tiny/manifests/1?ns=ghcr.io"]
    assert [(it.client, it.method, it.status) for it in asked] == [
        (f"198.18.20.{20 + int(name[-1])}", "HEAD", 200) for name in GENERATIONS
    ]
    for version, it in zip(GENERATIONS.values(), asked, strict=True):
        assert it.agent.startswith(f"containerd/{version}")
    assert json.loads(cache.sh("curl -sS http://127.0.0.1:5010/v2/_catalog")) == {"repositories": ["lab/tiny"]}


def test_each_generation_pulls_each_image_from_its_upstream(fresh: Fresh, upstream: UpstreamHost) -> None:
    for node in fresh(*GENERATIONS):
        for image in STOCK:
            node.sh(f"ctr -n probe images pull {image}")
            node.sh(f"ctr -n probe images mount {image} /mnt >/dev/null")
            assert node.read("/mnt/about") == f"{image}\n"
            node.sh("ctr -n probe images unmount --rm /mnt")
    fourth = [it for it in upstream.requests("quay.io") if it.client == "198.18.20.24"]
    assert "/v2/lab/tiny/manifests/1" in {it.path for it in fourth}


def test_an_upstream_that_is_down_slow_or_silent(cache: CacheHost, upstream: UpstreamHost) -> None:
    image = upstream.publish("ghcr.io", f"lab/{time.monotonic_ns()}", ballast=400_000)
    manifest = f"{MIRROR}:5010/v2/{image.repository}/manifests/{image.tag}"
    upstream.stop("ghcr.io")
    assert _status(cache, manifest) == 404
    upstream.start("ghcr.io")
    assert _status(cache, manifest) == 200
    upstream.slow(2)
    began = time.monotonic()
    cache.sh(f"curl -sS -o /dev/null https://ghcr.io/v2/{image.repository}/blobs/{image.layer}")
    assert time.monotonic() - began > 1
    upstream.slow(None)
    upstream.hang("ghcr.io")
    assert _status(cache, manifest) == 0
    assert _status(cache, "https://quay.io/v2/") == 200


def test_caches_that_end(cache: CacheHost) -> None:
    pid = "docker inspect --format '{{.State.Pid}}' registry-ghcr"
    first = cache.sh(pid)
    cache.crash("registry-ghcr")
    _answers(cache)
    assert cache.sh(pid) != first
    cache.kill("registry-ghcr")
    assert cache.sh("docker ps --quiet") == ""
    cache.stop_docker()
    [status] = health.statuses([CACHE_HOST])
    assert (status.up, status.serves) == (True, "")
    cache.start_docker()
    assert [it.serves[:9] for it in health.statuses([CACHE_HOST, UPSTREAM])] == ["docker 26", "5 of 5 re"]


def test_a_full_disk_and_an_address_by_dhcp(cache: CacheHost) -> None:
    data = cache.data("registry-ghcr")
    with cache.full_disk("registry-ghcr"):
        assert cache.sh(f"df --output=avail {data}").split()[-1] == "0"
    assert int(cache.sh(f"df --output=avail {data}").split()[-1]) > 0
    cache.lease(3600)
    assert _dynamic(cache)
    cache.lease(None)
    assert not _dynamic(cache)


@pytest.mark.usefixtures("_lab")
def test_another_checkout_leaves_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CHECKOUT", Path("/another/checkout"))
    with pytest.raises(LabError, match="belongs to"):
        control.reset(["registry-vm", "upstream"])
    assert {it.up for it in health.statuses([CACHE_HOST, UPSTREAM])} == {True}


def _answers(cache: CacheHost) -> None:
    cache.sh(f"curl -sS --retry 50 --retry-max-time 10 --retry-all-errors --retry-delay 0 {MIRROR}:5010/v2/")


def _status(host: CacheHost, url: str) -> int:
    """The status that a registry answers with; 0 when there is none within a second."""
    accept = "Accept: application/vnd.oci.image.index.v1+json"
    return int(host.sh(f"curl -s -o /dev/null -w '%{{http_code}}' -H '{accept}' --max-time 1 {url} || true"))


def _dynamic(host: CacheHost) -> bool:
    [link] = json.loads(host.sh("ip -j -4 address show dev host0"))
    return any(it.get("dynamic", False) for it in link["addr_info"])
