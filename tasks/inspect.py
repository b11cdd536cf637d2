"""Read one node: what runs there, its configuration, its health. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from containerd.effective import grpc_address
from containerd.errors import NotToml, Refused
from containerd.migration import hosts_root
from containerd.node import Daemon, NodeFacts, Transaction
from containerd.plugins import CriHealth, cri_health, failure_reason, parse_plugins
from containerd.tables import DEFAULT_ROOT
from containerd.versions import Version
from tasks import scripts, wire
from tasks.errors import NodeNotReady
from tasks.identify import ask, version_of


def inspect(task: Task) -> Result:
    """Return a Nornir result that holds the node's ``NodeFacts``.

    Raises ``NodeNotReady`` where containerd or its config.toml is missing, ``ContainerdError`` where they cannot be
    understood, and what ``fleet.remote.run_script`` raises.
    """
    return Result(host=task.host, result=read_facts(task.host))


def read_facts(host: Host) -> NodeFacts:
    """Read ``host`` in two round trips. Raises as ``inspect`` does."""
    told = ask(host)
    unit = dict(line.split("=", 1) for line in wire.text(told, "unit").splitlines() if "=" in line)
    _check_running(told, unit)
    version_line = " ".join(wire.text(told, "version").split())
    version = version_of(told)
    config_file = wire.text(told, "config_file")
    config = _text(config_file, told["config"])
    try:
        socket = wire.text(told, "address") or grpc_address(config)
    except NotToml as error:
        raise NotToml(f"{config_file} is {error}; correct it first, containerd would not start on it") from None
    seen = wire.decode(scripts.must(host, "look", wire.text(told, "ctr"), socket, _root(config, version)))
    daemon = Daemon(
        version=version,
        version_line=version_line,
        binary=wire.text(told, "binary"),
        ctr=wire.text(told, "ctr"),
        socket=socket,
        needs_daemon_reload=unit.get("NeedDaemonReload") == "yes",
        replaced_on_disk=wire.text(told, "replaced") == "yes",
        kubelet=wire.text(told, "kubelet") == "active",
    )
    real_paths = {path: real.decode(errors="replace").strip() for path, real in _below(seen, "real:").items()}
    return NodeFacts(
        daemon=daemon,
        config_file=config_file,
        config=config,
        hosts_files={path: _text(path, content) for path, content in _below(seen, "hosts:").items()},
        real_paths=real_paths | {config_file: wire.text(told, "config_real")},
        cri=health(seen, version),
        restart_pending=_newer_than_daemon(told, unit),
        transaction=_transaction(told),
    )


def health(seen: Mapping[str, bytes], version: Version) -> CriHealth:
    """Return the state of the CRI plugins from a script's ``plugins`` and ``cri``, with containerd's own reason."""
    found = cri_health(parse_plugins(wire.text(seen, "plugins")), version.generation)
    reason = failure_reason(wire.text(seen, "cri")) if found.state == "error" else None
    return CriHealth(found.state, reason or found.detail)


def _check_running(told: Mapping[str, bytes], unit: Mapping[str, str]) -> None:
    if unit.get("LoadState") == "not-found":
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


def _root(config: str, version: Version) -> str:
    try:
        return hosts_root(config, version) or DEFAULT_ROOT
    except Refused:
        return DEFAULT_ROOT


def _below(seen: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {name.removeprefix(prefix): value for name, value in seen.items() if name.startswith(prefix)}


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise NotToml(f"{path} is not UTF-8 (byte {error.start}), so not TOML; correct or remove it") from None


def _newer_than_daemon(told: Mapping[str, bytes], unit: Mapping[str, str]) -> bool:
    """Compare the file's last change with the daemon's start, which systemd gives in monotonic microseconds."""
    since_boot = float(unit["ExecMainStartTimestampMonotonic"]) / 1e6
    started = float(wire.text(told, "now")) - (float(wire.text(told, "uptime")) - since_boot)
    return float(wire.text(told, "config_changed")) > started


def _transaction(told: Mapping[str, bytes]) -> Transaction | None:
    if "run" not in told:
        return None
    return Transaction(wire.text(told, "run"), wire.text(told, "run_state"), wire.text(told, "run_owner"))
