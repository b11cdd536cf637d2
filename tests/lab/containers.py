"""Real containers on a node: an image of one program, busybox, without any registry."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab import machine
from tests.lab.nodes import LabNode

IMAGE = "docker.io/lab/busybox:1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Container:
    """A container that runs on a node, and the process that it was started as."""

    node: LabNode
    namespace: str
    id: str
    pid: str

    @property
    def runs(self) -> bool:
        """Whether it runs as the same process, for containerd and for the kernel."""
        tasks = self.node.sh(f"ctr -n {self.namespace} tasks ls").split("\n")
        known = [self.id, self.pid, "RUNNING"] in [line.split() for line in tasks]
        return known and self.node.sh(f"cat /proc/{self.pid}/comm 2>/dev/null || true").strip() != ""

    @property
    def shim(self) -> str:
        """The id of its shim's process, its parent."""
        return self.node.sh(f"cut -d' ' -f4 /proc/{self.pid}/stat").strip()


def start(node: LabNode, name: str = "pod", seconds: float = 100000, namespace: str = "k8s.io") -> Container:
    """Start a container that sleeps: for ever by default, or for so many seconds, and then ends by itself."""
    if IMAGE not in node.sh(f"ctr -n {namespace} images ls -q").split():
        done = machine.run(node.name, f"ctr -n {namespace} images import - >/dev/null", stdin=archive())
        assert done.returncode == 0, done.stderr
    # Without --cpu-shares 0 runc fails: the nodes have no cgroup v2 cpu controller.
    node.sh(f"ctr -n {namespace} run --cpu-shares 0 -d {IMAGE} {name} /bin/busybox sleep {seconds}")
    rows = [line.split() for line in node.sh(f"ctr -n {namespace} tasks ls").splitlines()]
    [pid] = [row[1] for row in rows if row[0] == name]
    return Container(node, namespace, name, pid)


@lru_cache(maxsize=1)
def archive() -> bytes:
    """Return an OCI archive of the image, which ``ctr images import`` reads."""
    layer = _tar({"bin/busybox": Path(shutil.which("busybox") or "/bin/busybox").read_bytes()})
    blobs: dict[str, bytes] = {}

    def add(blob: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(blob).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = blob
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(blob)}

    layers = [add(layer, "layer.v1.tar")]
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Cmd": ["/bin/busybox", "sleep", "100000"]},
        "rootfs": {"type": "layers", "diff_ids": [layers[0]["digest"]]},
    }
    manifest = {"schemaVersion": 2, "config": add(_json(config), "config.v1+json"), "layers": layers}
    named = add(_json(manifest), "manifest.v1+json") | {"annotations": {"io.containerd.image.name": IMAGE}}
    index = _json({"schemaVersion": 2, "manifests": [named]})
    return _tar({"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index} | blobs)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
