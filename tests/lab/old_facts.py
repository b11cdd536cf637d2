"""Facts as they were read before they came in one call: `read`, then `files` round by round, `look` and `present`."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import replace

from nornir.core.inventory import Host

from containerd.daemon.directories import Directories, directories
from containerd.daemon.predict import named_files
from containerd.errors import ContainerdError, Refused, VersionError
from containerd.files import FileSet
from containerd.headroom import Headroom, parse_inotify, parse_spaces
from containerd.node import Daemon, NodeFacts, Transaction
from containerd.sources import load
from containerd.tables import DEFAULT_ROOT
from containerd.vendors import managed_by
from containerd.versions import Version, parse_ctr_version, parse_version
from containerd.wanted import wanted
from tasks import scripts, wire
from tasks.errors import NodeNotReady
from tasks.inspect import health

_FEWER = "correct imports in the files there"
IMPORT_ROUNDS = 32
IMPORT_FILES = 256
IMPORT_BYTES = 16 << 20


def read_facts(host: Host) -> NodeFacts:
    """Read ``host``: what runs there, the files it imports until none is left to ask for, its plugins."""
    told = ask(host)
    unit = dict(line.split("=", 1) for line in wire.text(told, "unit").splitlines() if "=" in line)
    _check_running(told, unit)
    version = version_of(told)
    main = wire.text(told, "config_file")
    imported = _read_imports(host, main, told["config"])
    files = FileSet.of_bytes(main, {main: told["config"]} | _below(imported, "file:"))
    daemon_has = _directories(told, files, version)
    socket = wire.text(told, "address") or daemon_has.socket
    places = (posixpath.dirname(wire.text(told, "config_real")), daemon_has.root, daemon_has.state)
    roots = _roots(files, version)
    # A socket that nobody listens on takes it half a minute.
    seen = wire.decode(scripts.must(host, "look", wire.text(told, "ctr"), socket, roots, *places, timeout=60))
    texts = {main: told["config"]} | _below(imported, "file:") | _below(seen, "file:")
    changes = [told["config_changed"], *_below(imported, "changed:").values()]
    return NodeFacts(
        daemon=_daemon(told, unit, seen, socket, daemon_has),
        files=FileSet.of_bytes(main, texts, _present(host, files, version)),
        real_paths=_real_paths(imported) | _real_paths(seen) | {main: wire.text(told, "config_real")},
        cri=health(seen, version),
        restart_pending=max(map(float, changes)) > _started(told, unit),
        headroom=Headroom(parse_inotify(wire.text(seen, "inotify")), parse_spaces(wire.text(seen, "spaces"))),
        transaction=_transaction(told),
    )


def _directories(told: Mapping[str, bytes], files: FileSet, version: Version) -> Directories:
    """Where the daemon keeps its data: its command line wins over its files."""
    named = directories(files, version)
    return replace(named, root=wire.text(told, "root") or named.root, state=wire.text(told, "state") or named.state)


def _read_imports(host: Host, main: str, config: bytes) -> dict[str, bytes]:
    """Read what ``main`` imports, and what that imports, round by round. Raises ``NodeNotReady`` beyond the limits."""
    found: dict[str, bytes] = {}
    asked: set[str] = set()
    for _ in range(IMPORT_ROUNDS):
        texts = _below(found, "file:")
        patterns = [
            pattern for pattern in wanted(FileSet.of_bytes(main, {main: config} | texts)) if pattern not in asked
        ]
        if not patterns:
            return found
        asked.update(patterns)
        if max(len(asked), len(texts)) > IMPORT_FILES:
            raise NodeNotReady(f"{main} imports more than {IMPORT_FILES} files, one through another; {_FEWER}")
        found |= wire.decode(scripts.must(host, "files", *patterns))
        if sum(map(len, found.values())) > IMPORT_BYTES:
            raise NodeNotReady(f"what {main} imports is larger than {IMPORT_BYTES >> 20} MB; {_FEWER}")
    raise NodeNotReady(f"the imports of {main} are more than {IMPORT_ROUNDS} deep; {_FEWER}")


def _present(host: Host, files: FileSet, version: Version) -> frozenset[str]:
    """Which files are there that the configuration names without importing them; they may be keys, and are not read."""
    named = named_files(files, version)
    return frozenset(scripts.must(host, "present", *named).decode().splitlines()) if named else frozenset()


def _daemon(
    told: Mapping[str, bytes],
    unit: Mapping[str, str],
    seen: Mapping[str, bytes],
    socket: str,
    daemon_has: Directories,
) -> Daemon:
    version = version_of(told)
    systemd = (*wire.text(told, "systemd").split(), "", "")[1]
    return Daemon(
        version=version,
        version_line=" ".join(wire.text(told, "version").split()),
        running=_running_version(seen) or version,
        binary=wire.text(told, "binary"),
        ctr=wire.text(told, "ctr"),
        socket=socket,
        root=daemon_has.root,
        state=daemon_has.state,
        kill_mode=unit.get("KillMode", ""),
        systemd=int(systemd) if systemd.isdecimal() else 0,
        crictl=wire.text(seen, "crictl"),
        crictl_complaint=wire.text(seen, "crictl_complaint"),
        needs_daemon_reload=unit.get("NeedDaemonReload") == "yes",
        replaced_on_disk=wire.text(told, "replaced") == "yes",
        kubelet=wire.text(told, "kubelet") == "active",
    )


def _running_version(seen: Mapping[str, bytes]) -> Version | None:
    try:
        return parse_ctr_version(wire.message(seen, "versions"))[1]
    except VersionError:
        return None


def _check_running(told: Mapping[str, bytes], unit: Mapping[str, str]) -> None:
    paths = [wire.text(told, name) for name in ("binary", "config_file", "address")]
    missing = unit.get("LoadState") == "not-found"
    owner = managed_by(wire.text(told, "version"), paths + wire.text(told, "distributions").splitlines() * missing)
    if owner is not None:
        raise Refused(owner.refusal)
    if missing:
        raise NodeNotReady("there is no containerd.service here; containerd must be run by systemd")
    if not wire.text(told, "ctr"):
        raise NodeNotReady("ctr is not installed here; without it the health of CRI cannot be told")
    if unit.get("ActiveState") != "active":
        state = unit.get("ActiveState", "unknown")
        raise NodeNotReady(f"containerd is not running ({state}); see systemctl status containerd there")
    if "config" not in told:
        path = wire.text(told, "config_file")
        raise NodeNotReady(
            f"{path} does not exist; containerd runs on its defaults, and there is nothing to migrate: "
            f"create it first (containerd config default >{path}) and restart containerd"
        )


def _roots(files: FileSet, version: Version) -> str:
    """The directories of the hosts.toml files that containerd reads, or is to read, joined as in config_path."""
    try:
        roots = load(files, version).roots
    except ContainerdError:
        roots = ()
    return ":".join(root for root in roots if root.startswith("/")) or DEFAULT_ROOT


def _below(seen: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {name.removeprefix(prefix): value for name, value in seen.items() if name.startswith(prefix)}


def _real_paths(seen: Mapping[str, bytes]) -> dict[str, str]:
    return {path: real.decode(errors="replace").strip() for path, real in _below(seen, "real:").items()}


def _started(told: Mapping[str, bytes], unit: Mapping[str, str]) -> float:
    """When the daemon was started, in seconds since the epoch; systemd says it in monotonic microseconds."""
    since_boot = float(unit["ExecMainStartTimestampMonotonic"]) / 1e6
    return float(wire.text(told, "now")) - (float(wire.text(told, "uptime")) - since_boot)


def _transaction(told: Mapping[str, bytes]) -> Transaction | None:
    if "run" not in told:
        return None
    try:
        words = shlex.split(wire.text(told, "run_owner"))
    except ValueError:
        words = []
    said = dict(word.split("=", 1) for word in words if "=" in word)
    state = wire.text(told, "run_state")
    return Transaction(wire.text(told, "run"), state, said.get("owner", ""), said.get("since", ""))


def ask(host: Host) -> dict[str, bytes]:
    """Return what ``read.sh`` tells of a node. Raises ``NodeNotReady`` where containerd is not installed."""
    told = wire.decode(scripts.must(host, "read"))
    if not wire.text(told, "binary"):
        raise NodeNotReady("containerd is not installed here; install it, or take the node out of the inventory")
    return told


def version_of(told: Mapping[str, bytes]) -> Version:
    """Return the version that the node's containerd says it is. Raises ``VersionError``."""
    return parse_version(wire.message(told, "version"))
