"""Small images as a registry keeps them on disk: pure, so that an upstream has them without a push."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import random
import tarfile
from dataclasses import dataclass
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Image:
    """An image of one layer, with `text` in its file /about and `ballast` random bytes; its tag is of an index.

    The same text and ballast give the same blobs, wherever the image is.
    """

    repository: str
    tag: str
    text: str
    ballast: int = 0

    @property
    def digest(self) -> str:
        """The digest of its index, which is what the tag stands for."""
        return next(iter(_manifests(self)))

    @property
    def manifest(self) -> str:
        """The digest of its manifest, which its index names."""
        return list(_manifests(self))[1]

    @property
    def layer(self) -> str:
        """The digest of its layer."""
        return next(iter(_blobs(self)))


def files(image: Image) -> dict[str, bytes]:
    """Return the files that give an image to a registry, by their path below its root directory.

    It needs no restart to serve them, unless it has a cache of blob descriptors.
    """
    manifests = _manifests(image)
    blobs = {**manifests, **_blobs(image)}
    top = "docker/registry/v2"
    here = f"{top}/repositories/{image.repository}"
    found = {f"{top}/blobs/sha256/{_hex(digest)[:2]}/{_hex(digest)}/data": data for digest, data in blobs.items()}
    links = {f"{here}/_manifests/revisions": manifests, f"{here}/_layers": _blobs(image)}
    for directory, digests in links.items():
        found |= {f"{directory}/sha256/{_hex(digest)}/link": digest.encode() for digest in digests}
    tag = f"{here}/_manifests/tags/{image.tag}"
    found[f"{tag}/current/link"] = found[f"{tag}/index/sha256/{_hex(image.digest)}/link"] = image.digest.encode()
    return found


def _blobs(image: Image) -> dict[str, bytes]:
    """Return the layer and the configuration of an image by their digests, in this order."""
    layer = _layer(image)
    config = _json(
        architecture=_architecture(),
        os="linux",
        config={"Cmd": ["/about"]},
        rootfs={"type": "layers", "diff_ids": [_digest(layer)]},
    )
    return {_digest(data): data for data in (layer, config)}


def _manifests(image: Image) -> dict[str, bytes]:
    """Return the index and the manifest of an image by their digests, in this order."""
    layer, config = _blobs(image).values()
    manifest = _json(
        schemaVersion=2, mediaType=MANIFEST, config=_descriptor(CONFIG, config), layers=[_descriptor(LAYER, layer)]
    )
    target = _descriptor(MANIFEST, manifest) | {"platform": {"architecture": _architecture(), "os": "linux"}}
    index = _json(schemaVersion=2, mediaType=INDEX, manifests=[target])
    return {_digest(data): data for data in (index, manifest)}


def _layer(image: Image) -> bytes:
    contents = {"about": f"{image.text}\n".encode()}
    if image.ballast:
        contents["ballast"] = random.Random(image.text).randbytes(image.ballast)  # noqa: S311
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def _json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _architecture() -> str:
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)
