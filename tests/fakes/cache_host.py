"""A cache host that answers as ``tasks/sh/caches_*`` does: its containers, their logs, the maintenance locks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from caches.image import parse_image
from caches.spec import DATA, OWNED, Wanted, bytes_of
from caches.upkeep import Upkeep
from tasks.caches.files import upkeep_files
from tests.fakes.node import emit
from tests.fakes.remote import Call, Complaint, ScriptedRemote

NOW = 1_795_000_000
CREATED = "2026-11-17T09:06:40Z"
OK = 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"repositories":["lab/tiny"]}\n'
NO_UPLOAD = "HTTP/1.0 405 Method Not Allowed\r\n\r\n"


@dataclass
class Container:
    """One container of a cache: the words that it was started with, and what is in its log."""

    options: Sequence[str]
    upstream: str
    status: str = "running"
    log: list[str] = field(default_factory=list)

    def option(self, name: str) -> list[str]:
        """Return the values of an option."""
        return [self.options[n + 1] for n, word in enumerate(self.options) if word == name]

    @property
    def port(self) -> int:
        """Return the port of the host."""
        return int(self.option("-p")[0].split(":")[-2])

    def inspected(self, name: str) -> dict[str, Any]:
        """Return what ``docker container inspect`` says of it."""
        mounts = [volume.split(":") for volume in self.option("-v")]
        bind, _, port = self.option("-p")[0].removesuffix(":5000").rpartition(":")
        return {
            "Id": "f00",
            "Name": f"/{name}",
            "Image": "sha256:1",
            "Created": CREATED,
            "RestartCount": 0,
            "State": {"Status": self.status, "StartedAt": CREATED},
            "Config": {
                "Image": self.options[-1],
                "Labels": dict(label.split("=", 1) for label in self.option("--label")),
            },
            "HostConfig": {
                "RestartPolicy": {"Name": self.option("--restart")[0]},
                "PortBindings": {"5000/tcp": [{"HostIp": bind, "HostPort": port}]},
                "Memory": bytes_of(self.option("--memory")[0]),
                "LogConfig": {"Type": "json-file", "Config": dict(it.split("=") for it in self.option("--log-opt"))},
                "ExtraHosts": self.option("--add-host") or None,
            },
            "Mounts": [
                {"Type": "volume", "Name": source, "Source": "/v", "Destination": inside}
                if inside == DATA
                else {"Type": "bind", "Source": source, "Destination": inside}
                for source, inside, *_ in mounts
            ],
        }


@dataclass
class ScriptedCacheHost(ScriptedRemote):
    """One cache host. ``locks`` are the maintenance locks by run; a container that is ``broken`` does not answer."""

    containers: dict[str, Container] = field(default_factory=dict)
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)
    locks: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    docker: str = "26.1.5"
    dhcp: bool = False

    def deploy(self, caches: Iterable[Wanted], upkeep: Upkeep) -> None:
        """Put ``caches`` there, as an earlier deploy would have."""
        for it in caches:
            self._create(it.spec.container, it.options, it.config)
            self.files[it.spec.config_file] = (it.spec.mode, it.config)
            self.volumes[it.spec.volume] = it.spec.name
        self.files |= {file.path: (file.mode, file.text) for file in upkeep_files(list(self.containers), upkeep)}

    def serve(self, client: str, port: int, method: str, uri: str) -> int | None:
        """Answer a request of a node, and log it."""
        for name, container in self.containers.items():
            if container.port == port and container.status == "running" and name not in self.broken and self.up:
                container.log.append(f'{client} - - [25/Nov/2026:09:00:00 +0000] "{method} {uri} HTTP/1.1" 200 2 "" ""')
                return 200
        return None

    def _create(self, name: str, options: Sequence[str], config: str) -> None:
        upstream = config.split("remoteurl:")[1].split('"')[1]
        self.containers[name] = Container(options, upstream)

    def do_caches_read(self, call: Call) -> bytes:
        images, *paths = call.args
        configs = [path for path in self.files if path.startswith("/etc/docker-registry/")]
        files = {path: self.files[path] for path in (*configs, *paths) if path in self.files}
        values: dict[str, str | bytes] = {"now": str(NOW), "cron": "yes"}
        values |= {f"file:{path}": text for path, (_, text) in files.items()}
        values |= {f"mode:{path}": mode for path, (mode, _) in files.items()}
        values |= {"docker": self.docker, "memory": "true"}
        known = [{"Id": "sha256:1", "RepoTags": [parse_image(image).reference]} for image in images.split()]
        volumes = [{"Name": name, "Labels": {OWNED: cache}} for name, cache in self.volumes.items()]
        inspected = [it.inspected(name) for name, it in self.containers.items()]
        values |= {"containers": json.dumps(inspected), "images": json.dumps(known), "volumes": json.dumps(volumes)}
        return emit(values)

    def do_caches_verify(self, call: Call) -> bytes:
        lease = {"dynamic": True, "valid_life_time": 3000} if self.dhcp else {}
        link = {"ifname": "eth0", "addr_info": [{"family": "inet", "local": self.address, "prefixlen": 24} | lease]}
        values: dict[str, str | bytes] = {"addresses": json.dumps([link]), "routes": "[]"}
        for name in call.args[::3]:
            if name not in self.containers:
                continue
            container = self.containers[name]
            serves = container.status == "running" and name not in self.broken
            values |= {f"answer:{name}": OK if serves else ""}
            values |= {f"upload:{name}": NO_UPLOAD, f"catalog:{name}:0": OK} if serves else {}
            values |= {f"proxied:{name}": f"Registry configured as a proxy cache to {container.upstream}"}
            values |= {f"disk:{name}": "20", f"inodes:{name}": "3", f"state:{name}": "{}", f"age:{name}": "10"}
            values |= {f"gc:{name}": "ok", f"gcage:{name}": "3600"}
        return emit(values)

    def do_caches_hold(self, call: Call) -> bytes:
        self.locks[call.args[1]] = int(call.args[0])
        return b""

    def do_caches_release(self, call: Call) -> bytes:
        for run in call.args:
            self.locks.pop(run, None)
        return b""

    def do_caches_locks(self, _: Call) -> bytes:
        locks = {f"lock:{run}": f"{NOW + seconds} run {run} of op@host" for run, seconds in self.locks.items()}
        return emit({"now": str(NOW), **locks})

    def do_caches_log(self, call: Call) -> bytes:
        since, *rest = call.args
        if not since:
            return emit({"now": str(NOW)})
        logs = {name: self.containers[name].log for name in rest[1:] if name in self.containers}
        missing = {f"none:{name}": f"No such container: {name}" for name in rest[1:] if name not in self.containers}
        return emit({f"log:{name}": "".join(f"{line}\n" for line in log) for name, log in logs.items()} | missing)

    def do_caches_install(self, _: Call) -> bytes:
        self.docker = self.docker or "26.1.5"
        return b""

    def do_caches_files(self, call: Call) -> bytes:
        for name, text in call.values.items():
            mode, path = name.split(" ", 1)
            self.files[path] = (mode, text.decode())
        return b""

    def do_caches_create(self, call: Call) -> bytes:
        container, _image, file, mode, volume, name, _ca = call.args
        if self.locks:
            raise Complaint(f"run {next(iter(self.locks))} has the maintenance lock")
        config = call.values["config"].decode()
        self._create(container, call.values["options"].decode().split(), config)
        self.files[file] = (mode, config)
        self.volumes[volume] = name
        return b""

    def do_caches_start(self, call: Call) -> bytes:
        self.containers[call.args[0]].status = "running"
        return b""

    def do_caches_remove(self, call: Call) -> bytes:
        container, folder, volume = call.args
        self.containers.pop(container, None)
        self.files.pop(f"{folder}/config.yml", None)
        self.volumes.pop(volume, None)
        return b""

    def do_cache_gc(self, call: Call) -> bytes:
        assert call.name
        return b"collected\n"

    def do_cache_restart(self, call: Call) -> bytes:
        assert call.name
        return b"restarted\n"
