from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import replace

from lab import images, servers, topology
from lab.images import Image
from tests.lab.caches import Request, requests

IMAGE = Image("lab/tiny", "1", "hello", ballast=1000)
TOP = "docker/registry/v2"


def blob(digest: str) -> bytes:
    name = digest.removeprefix("sha256:")
    data = images.files(IMAGE)[f"{TOP}/blobs/sha256/{name[:2]}/{name}/data"]
    assert hashlib.sha256(data).hexdigest() == name
    return data


def test_a_tag_leads_to_the_layer_and_each_digest_is_right() -> None:
    link = images.files(IMAGE)[f"{TOP}/repositories/lab/tiny/_manifests/tags/1/current/link"].decode()
    assert link == IMAGE.digest
    [target] = json.loads(blob(link))["manifests"]
    manifest = json.loads(blob(target["digest"]))
    [layer] = manifest["layers"]
    assert layer["digest"] == IMAGE.layer
    assert json.loads(blob(manifest["config"]["digest"]))["rootfs"]["diff_ids"] == [layer["digest"]]
    assert layer["size"] == len(blob(layer["digest"]))
    with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as archive:
        assert [(entry.name, entry.size) for entry in archive] == [("about", 6), ("ballast", 1000)]


def test_every_blob_is_linked_where_a_registry_looks_for_it() -> None:
    top = f"{TOP}/repositories/lab/tiny/"
    links = [path.removeprefix(top) for path in images.files(IMAGE) if path.startswith(top)]
    kinds = sorted("/".join(part for part in path.split("/") if len(part) < 64) for path in links)
    assert kinds == [
        *["_layers/sha256/link"] * 2,
        *["_manifests/revisions/sha256/link"] * 2,
        "_manifests/tags/1/current/link",
        "_manifests/tags/1/index/sha256/link",
    ]


def test_the_same_contents_are_the_same_blobs_elsewhere() -> None:
    def blobs(image: Image) -> set[str]:
        return {path for path in images.files(image) if "/blobs/" in path}

    assert blobs(IMAGE) == blobs(replace(IMAGE, repository="other", tag="2"))
    assert blobs(IMAGE).isdisjoint(blobs(replace(IMAGE, text="bye")))


def test_no_two_upstreams_have_the_same_image() -> None:
    stock = [image.digest for upstream in topology.UPSTREAMS for image in servers.stock(upstream)]
    assert len(stock) == len(set(stock)) == 6


LOG = """\
time="2026-11-24T10:37:12Z" level=info msg="Registry configured as a proxy cache to https://ghcr.io" version=2.8.3
198.18.20.28 - - [24/Nov/2026:10:37:17 +0000] "HEAD /v2/lab/a/manifests/1?ns=ghcr.io HTTP/1.1" 200 304 "" "containerd"
198.18.20.10 - - [24/Nov/2026:10:37:14 +0000] "GET /v2/ HTTP/2.0" 401 2 "" "Go-http-client/2.0"
"""


def test_requests_are_read_from_a_registry_s_log() -> None:
    assert requests(LOG) == [
        Request("198.18.20.28", "HEAD", "/v2/lab/a/manifests/1?ns=ghcr.io", 200, "containerd"),
        Request("198.18.20.10", "GET", "/v2/", 401, "Go-http-client/2.0"),
    ]
