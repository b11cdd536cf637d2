"""Read one node: what runs there, its configuration, its health. Changes nothing."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from containerd.model import (
    CriHealth,
    Daemon,
    Headroom,
    NodeFacts,
    Proxies,
    Refused,
    Space,
    Transaction,
    Version,
    VersionError,
    cri_health,
    failure_reason,
    generation_of,
    parse_ctr_version,
    parse_inotify,
    parse_plugins,
    parse_spaces,
)
from containerd.probe import managed_by
from tasks import scripts, wire
from tasks.errors import NodeNotReady
from tasks.reading import Reading, begin, complete

_UNITS = {
    "not-found": "there is no containerd.service here; containerd must be run by systemd",
    "masked": "containerd.service is masked here, and cannot be restarted; run systemctl unmask containerd there",
    "bad-setting": "systemd cannot load containerd.service here; see systemctl status containerd there",
    "error": "systemd cannot load containerd.service here; see systemctl status containerd there",
}
"""What is wrong with a unit in each state that it cannot be restarted in."""

_RUNNING = ("active", "activating", "reloading")


def inspect(task: Task) -> Result:
    """Return a Nornir result that holds the node's ``NodeFacts``, be its configuration sound or not.

    Raises ``NodeNotReady`` where containerd, its unit, or its config.toml, is missing or not running, or its imports do
    not end, ``Refused`` where a distribution owns it, ``VersionError``, and what ``Remote.run`` raises.
    """
    return Result(host=task.host, result=read_facts(task.host))


def read_facts(host: Host) -> NodeFacts:
    """Read ``host``, check that there is a containerd that can be changed, and return what is known of it."""
    first = begin(host)
    _check_running(first)
    return facts_of(complete(host, first))


def facts_of(reading: Reading) -> NodeFacts:
    """Return what a complete reading says. Raises ``VersionError``."""
    real_paths = {path: real.decode(errors="replace").strip() for path, real in reading.below("real").items()}
    real_paths[reading.main] = reading.text("config_real")
    return NodeFacts(
        daemon=_daemon(reading),
        files=reading.files,
        real_paths={path: real for path, real in real_paths.items() if path in reading.files.texts},
        # By the version that runs: another may be on disk, whose plugins have other names.
        cri=health(reading.values, _running_version(reading) or reading.version),
        restart_pending=_changed(reading) > _started(reading),
        headroom=Headroom(parse_inotify(reading.text("inotify")), _spaces(reading)),
        transaction=_transaction(reading),
        bound=_bound(reading),
        elsewhere=tuple(reading.text("elsewhere").splitlines()),
        proxies=Proxies.of_environment(reading.text("proxies")),
    )


def _daemon(reading: Reading) -> Daemon:
    systemd = (*reading.text("systemd").split(), "", "")[1]
    return Daemon(
        version=reading.version,
        version_line=" ".join(reading.text("version").split()),
        running=_running_version(reading) or reading.version,
        binary=reading.text("binary"),
        ctr=reading.text("ctr"),
        socket=reading.directories.socket,
        root=reading.directories.root,
        state=reading.directories.state,
        kill_mode=reading.unit.get("KillMode", ""),
        systemd=int(systemd) if systemd.isdecimal() else 0,
        crictl=reading.text("crictl"),
        crictl_complaint=reading.text("crictl_complaint"),
        needs_daemon_reload=reading.unit.get("NeedDaemonReload") == "yes",
        replaced_on_disk=reading.text("replaced") == "yes",
        kubelet=reading.text("kubelet") == "active",
    )


def _running_version(reading: Reading) -> Version | None:
    try:
        return parse_ctr_version(reading.message("versions"))[1]
    except VersionError:
        return None


def health(values: Mapping[str, bytes], version: Version) -> CriHealth:
    """Return the state of the CRI plugins from a script's ``plugins`` and ``cri``, with containerd's own reason."""
    found = cri_health(parse_plugins(wire.text(values, "plugins")), generation_of(version))
    reason = failure_reason(wire.message(values, "cri")) if found.state == "error" else None
    return CriHealth(found.state, reason or found.detail)


def _check_running(reading: Reading) -> None:
    """Raise where there is no containerd, or none that a restart would bring up again on these files."""
    paths = [reading.text(name) for name in ("binary", "config_file", "address")]
    loaded = reading.unit.get("LoadState", "")
    distributions = reading.text("distributions").splitlines() if loaded == "not-found" else []
    owner = managed_by(reading.text("version"), paths + distributions)
    if owner is not None:
        raise Refused(owner.refusal)
    if loaded in _UNITS:
        raise NodeNotReady(_UNITS[loaded])
    if not reading.text("ctr"):
        raise NodeNotReady("ctr is not installed here; without it the health of CRI cannot be told")
    if reading.unit.get("ActiveState") != "active":
        state = reading.unit.get("ActiveState", "unknown")
        raise NodeNotReady(f"containerd is not running ({state}); see systemctl status containerd there")
    if " " in reading.text("namespace"):
        raise NodeNotReady(
            "containerd has a mount namespace of its own, and nsenter (util-linux) cannot read in it here"
        )
    if "config" not in reading.values:
        path = reading.main
        raise NodeNotReady(
            f"{path} does not exist; containerd runs on its defaults, and there is nothing to migrate: "
            f"create it first (containerd config default >{path}) and restart containerd"
        )


def _bound(reading: Reading) -> tuple[str, ...]:
    """Return the active ones of the units that systemd restarts or stops together with containerd."""
    blocks = (dict(line.split("=", 1) for line in block.splitlines()) for block in reading.text("bound").split("\n\n"))
    return tuple(block["Id"] for block in blocks if block.get("ActiveState") in _RUNNING)


def _spaces(reading: Reading) -> tuple[Space, ...]:
    """Return what is free where something is written: the transactions, config.toml, and the daemon's own data."""
    used = reading.directories
    places = (scripts.BASE, posixpath.dirname(reading.text("config_real")), used.root, used.state)
    known = {space.directory: space for space in parse_spaces(reading.text("spaces"))}
    return tuple(known[place] for place in dict.fromkeys(places) if place in known)


def _changed(reading: Reading) -> float:
    """When the newest file that the daemon loads was changed, in seconds since the epoch."""
    changes = {**reading.below("changed"), reading.main: reading.values["config_changed"]}
    return max(float(changes[path]) for path in reading.loaded.texts if path in changes)


def _started(reading: Reading) -> float:
    """When the daemon was started, in seconds since the epoch; systemd says it in monotonic microseconds."""
    since_boot = float(reading.unit["ExecMainStartTimestampMonotonic"]) / 1e6
    return float(reading.text("now")) - (float(reading.text("uptime")) - since_boot)


def _transaction(reading: Reading) -> Transaction | None:
    if not reading.text("run"):
        return None
    try:
        words = shlex.split(reading.text("run_owner"))
    except ValueError:
        words = []
    owner = dict(word.split("=", 1) for word in words if "=" in word)
    return Transaction(reading.text("run"), reading.text("run_state"), owner.get("owner", ""), owner.get("since", ""))
