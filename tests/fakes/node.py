"""A node that answers as ``tasks/sh`` does on a real one: its files, its containerd, its pulls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from common import Reference, parse_reference
from containerd.config import NEW, OLD, config_path_of, mirrors_of
from containerd.model import Generation
from containerd.model.releases import health_plugins
from containerd.toml import parse
from tasks import wire
from tests.fakes.remote import Call, Complaint
from tests.fakes.transaction import Transaction, Transactions, sum_of

if TYPE_CHECKING:
    from tests.fakes.cache_host import ScriptedCacheHost

CONFIG = "/etc/containerd/config.toml"
CERTS = "/etc/containerd/certs.d"
SOCKET = "/run/containerd/containerd.sock"
PLACES = ("/etc/containerd", "/var/lib/containerd", "/run/containerd")
LAB_FILES = Path(__file__).parents[2] / "lab" / "files"
VERSIONS = {Generation.V1_6: "1.6.20", Generation.V1_7: "1.7.24", Generation.V2: "2.1.4"}
BOOTED_AT = 1_795_000_000
CLOSED_PORT = "9"
_HOST = re.compile(r'^\[host\."([^"]+)"\]', re.MULTILINE)


def shipped_config(name: str, generation: Generation, cache: str) -> str:
    """Return the config.toml of a node of the lab, with the wildcard mirror ``cache``."""
    shipped = "config-v3.toml" if generation is Generation.V2 else "config-v2.toml"
    text = (LAB_FILES / shipped).read_text(encoding="utf-8")
    return Template(text).substitute(name=name, sandbox_image="registry.k8s.io/pause:3.8", cache=cache)


@dataclass
class ScriptedNode(Transactions):
    """One node. ``files`` are its live files; ``seconds`` is its clock, and grows with each call.

    With ``broken_by_change`` CRI does not load on any config.toml but the first one; ``cri`` is what it says otherwise.
    Pulls ask the cache that the live files name; with ``bypasses`` they go straight to the upstream.
    """

    name: str = "node"
    generation: Generation = Generation.V1_7
    caches: Mapping[str, ScriptedCacheHost] = field(default_factory=dict)
    cri: str = "ok"
    broken_by_change: bool = False
    bypasses: bool = False
    kubelet: str = "active"
    crictl: str = "/usr/bin/crictl"
    kill_mode: str = "process"
    load_state: str = "loaded"
    bound: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    started: float = 100
    changed: float = 0

    def __post_init__(self) -> None:
        self.original = dict(self.files)

    @property
    def config(self) -> str:
        """Return the live config.toml."""
        return self.files[CONFIG].decode()

    @property
    def cri_now(self) -> str:
        """Return the status of the CRI plugins: ok or error."""
        broken = self.broken_by_change and self.files[CONFIG] != self.original[CONFIG]
        return "error" if broken else self.cri

    @property
    def untouched(self) -> bool:
        """Return whether every live file is the original one."""
        return self.files == self.original

    def ask(self, url: str) -> int | None:
        """Ask a cache."""
        return self._request("GET", url)

    def _request(self, method: str, url: str) -> int | None:
        host, _, rest = url.removeprefix("http://").partition(":")
        port, slash, path = rest.partition("/")
        cache = self.caches.get(host)
        return cache.serve(self.address, int(port), method, slash + path) if cache else None

    def write(self, path: str, content: bytes | None) -> None:
        """Change a live file, or remove it."""
        if content is None:
            self.files.pop(path, None)
        else:
            self.files[path] = content
        if not path.endswith("/hosts.toml"):
            self.changed = self.seconds

    def do_facts(self, call: Call) -> bytes:
        questions = list(zip(call.args[::2], call.args[1::2], strict=True))
        looks: dict[str, Callable[[str], Mapping[str, str | bytes]]] = {
            "--read": lambda it: self._files(lambda path: fnmatchcase(path, it)),
            "--root": self._below_root,
            "--present": lambda it: {"present" if it in self.files else "absent": f"{it}\n"},
            "--space": lambda it: {"spaces": f"{it}\t{1 << 30} 65536 60000 /\n"},
            "--socket": lambda _: self._daemon_says(),
        }
        values = {} if questions else dict(self._machine())
        for kind, value in questions or [("--root", CERTS), ("--socket", SOCKET)]:
            values |= looks[kind](value)
        if not questions:
            spaces = ("/var/lib/containerd-fleet", *PLACES)
            values["spaces"] = "".join(f"{place}\t{1 << 30} 65536 60000 /\n" for place in spaces)
            values |= {"roots": f"{CERTS}\n", "socket": SOCKET}
        return emit(values)

    def _below_root(self, root: str) -> Mapping[str, str | bytes]:
        suffixes = (".crt", ".cert", ".key")
        names = (it for it in sorted(self.files) if fnmatchcase(it, f"{root}/*/*") and it.endswith(suffixes))
        hosts = self._files(lambda path: fnmatchcase(path, f"{root}/*/hosts.toml"))
        return {**hosts, "certificates": "".join(f"{name}\n" for name in names)}

    def _machine(self) -> Mapping[str, str | bytes]:
        unit = {
            "LoadState": self.load_state,
            "ActiveState": "active",
            "MainPID": "612",
            "NeedDaemonReload": "no",
            "KillMode": self.kill_mode,
            "ExecMainStartTimestampMonotonic": f"{self.started * 1e6:.0f}",
        }
        newest = self.newest
        run = {"run": newest.run, "run_state": newest.state, "run_owner": newest.owner} if newest else {}
        return {
            "unit": "".join(f"{key}={value}\n" for key, value in unit.items()),
            "systemd": "systemd 257 (257.8-1)",
            "kubelet": self.kubelet,
            "bound": "\n".join(f"Id={unit}\nActiveState={state}\n" for unit, state in self.bound.items()),
            "proxies": self.environment,
            "inotify": "10\n128\n",
            "address": "",
            "root": "",
            "state": "",
            "binary": "/usr/bin/containerd",
            "ctr": "/usr/bin/ctr",
            "version": f"containerd github.com/containerd/containerd {VERSIONS[self.generation]} 88bf19b\n",
            "config_file": CONFIG,
            "config_real": CONFIG,
            "uptime": f"{self.seconds}.00",
            "now": f"{BOOTED_AT + self.seconds}.000",
            "distributions": "",
            "config": self.config,
            "config_changed": f"{BOOTED_AT + self.changed:.3f}",
            **run,
        }

    def _daemon_says(self) -> Mapping[str, str | bytes]:
        version = VERSIONS[self.generation]
        return {
            "plugins": self.plugins,
            "cri": self.cri_complaint,
            "versions": f"Client:\n  Version:  {version}\nServer:\n  Version:  {version}\n",
            **({"crictl": self.crictl} if self.crictl else {}),
        }

    def _files(self, chosen: Callable[[str], bool]) -> Mapping[str, bytes]:
        paths = filter(chosen, sorted(self.files))
        return {key: value for path in paths for key, value in self._file(path).items()}

    def do_caches_ask(self, call: Call) -> bytes:
        address, port, path = call.args
        return str(self.ask(f"http://{address}:{port}{path}") or "").encode()

    def do_prove(self, call: Call) -> bytes:
        name = call.args[0]
        if "-probe-" in name:
            return b""
        broken = self.broken_by_change and name.endswith("-candidate")
        return emit({"plugins": self._rows("error" if broken else "ok"), "alive": "yes", "log": ""})

    def do_restart(self, call: Call) -> bytes:
        self.must_be(call.args[0], "armed", "swapping").state = "restarting"
        self.started = self.seconds
        return b""

    def do_verify(self, call: Call) -> bytes:
        run, _seconds, which = call.args
        transaction = self.find(run)
        if transaction is None:
            raise Complaint(f"there is no transaction {run} on this node that can be checked")
        if which == "after" and transaction.state != "confirmed":
            self.must_be(run, "armed", "swapping", "restarting", "verifying").state = "verifying"
        return emit(self._verified(transaction, which))

    def _verified(self, transaction: Transaction, which: str) -> Mapping[str, str | bytes]:
        sums = {file.path: file.after_sum if which == "after" else file.before_sum for file in transaction.files}
        ready = json.dumps({"status": {"conditions": [{"type": "RuntimeReady", "status": True}]}})
        return {
            "facts": transaction.facts,
            "changed": "".join(f"{path}\n" for path, it in sums.items() if sum_of(self.files.get(path)) != it),
            # 1.x dumps version 2 with the old plugin ids, 2.x version 3 with the new ones, as each node's file is.
            **({"dump": self.config} if which == "after" else {}),
            "plugins": self.plugins,
            "cri": self.cri_complaint,
            **({"crictl_exit": "0", "crictl": ready} if self.crictl else {}),
            "kubelet": self.kubelet,
        }

    def do_pull(self, call: Call) -> bytes:
        image = parse_reference(call.args[2])
        mirror = "" if self.bypasses or call.args[-1] == CLOSED_PORT else self._mirror(image)
        if mirror:
            for method, what in (("HEAD", f"manifests/{image.reference}"), ("GET", "blobs/sha256:00")):
                self._request(method, f"{mirror}/v2/{image.repository}/{what}?ns={image.registry}")
        return emit({"left": "", "kept": "", "here": "no", "code": "0", "values": "", "times": "10.00 10.20"})

    def _mirror(self, image: Reference) -> str:
        """Return the first endpoint that the live files name for an image, or nothing."""
        data, table = parse(self.config), NEW if self.generation is Generation.V2 else OLD
        if root := config_path_of(data, table):
            hosts = _HOST.search(self.files.get(f"{root}/{image.registry}/hosts.toml", b"").decode())
            return hosts[1] if hosts else ""
        mirrors = mirrors_of(data, table)
        return next(iter(mirrors.get(image.registry, mirrors.get("*", ()))), "")

    @property
    def plugins(self) -> str:
        """Return what ``ctr plugins ls`` prints."""
        return self._rows(self.cri_now)

    @property
    def cri_complaint(self) -> str:
        """Return what ``ctr plugins ls -d`` prints of CRI."""
        return "Error:\n  Code:     Unknown\n  Message:  invalid plugin config\n" if self.cri_now != "ok" else ""

    def _rows(self, cri: str) -> str:
        rows = [f"{kind} {name} linux/amd64 {cri}" for kind, name in health_plugins(self.generation)]
        return "\n".join(["TYPE ID PLATFORMS STATUS", "io.containerd.content.v1 content - ok", *rows, ""])

    def _file(self, path: str) -> dict[str, bytes]:
        return {
            f"file:{path}": self.files[path],
            f"real:{path}": path.encode(),
            f"changed:{path}": f"{BOOTED_AT + self.changed:.3f}".encode(),
        }


def emit(values: Mapping[str, str | bytes]) -> bytes:
    """Return ``values`` as a script emits them."""
    return wire.encode({key: it if isinstance(it, bytes) else it.encode() for key, it in values.items()})
