"""A containerd that fails on the new configuration only: its unit looks at the live file at each start."""

from __future__ import annotations

from tests.faults.scene import Scene

PLACE = "/opt/faults"
DROP_IN = "/etc/systemd/system/containerd.service.d/50-fault.conf"
CONFIG = "/etc/containerd/config.toml"
IS_NEW = f"grep -Eq 'config_path|ghcr[.]io' {CONFIG}"
IMPORTS = f'imports = ["{PLACE}/*.toml"]\n'
BINARY = "/usr/bin/containerd"

BREAK_CNI = "rm -rf /etc/cni && : >/etc/cni"
"""CRI makes its conf_dir below /etc/cni at its start, and errors where that is a file (all generations)."""
MEND_CNI = "[ ! -f /etc/cni ] || rm /etc/cni"


def fails_to_start(scene: Scene) -> None:
    """Every start on the new file fails; systemd tries again each 5 s."""
    _before_start(scene, new="exit 1")


def start_limit(scene: Scene) -> None:
    """Every start on the new file fails and is tried again at once, until systemd gives up: five times in 10 s."""
    _before_start(scene, new="exit 1", more="RestartSec=100ms\n")


def hangs(scene: Scene) -> None:
    """A start on the new file never comes to its end."""
    _before_start(scene, new="exec sleep 1000")


def dies(scene: Scene) -> None:
    """containerd is killed 5 s after each start on the new file, and started again by systemd."""
    kill = 'case $(cat /proc/$1/comm) in containerd) kill -9 "$1" ;; esac'
    later = f"systemd-run --quiet --collect --on-active=5 --timer-property=AccuracySec=100ms sh -c '{kill}' sh $MAINPID"
    scene.node.write(f"{PLACE}/started", f"{IS_NEW} || exit 0\n{later.replace('$MAINPID', '$1')}\n")
    _drop_in(scene, f"ExecStartPost=/bin/sh {PLACE}/started $MAINPID\n")


def cri_errors(scene: Scene) -> None:
    """The CRI plugin does not load on the new file; containerd itself starts."""
    _before_start(scene, new=BREAK_CNI, old=MEND_CNI)


def cri_errors_slowly(scene: Scene) -> None:
    """As ``cri_errors``, and the start on the old file takes 3 s: there is a middle of a rollback."""
    _before_start(scene, new=BREAK_CNI, old=f"{MEND_CNI}\n[ ! -e {PLACE}/slow ] || sleep 3")
    scene.node.write(f"{PLACE}/slow", "")


def cri_disabled(scene: Scene) -> None:
    """A drop-in disables the CRI plugin as long as the new file is live; config.toml imports it."""
    off = f"printf 'version = 2\\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\\n' >{PLACE}/off.toml"
    scene.node.write(CONFIG, with_imports(scene.node.config))
    _before_start(scene, new=off, old=f"rm -f {PLACE}/off.toml")
    scene.node.restart()


def with_imports(config: str) -> str:
    """Return a config.toml that imports what is in ``PLACE``: nothing, at first."""
    before, version, after = config.partition("\nversion = ")
    number, newline, rest = after.partition("\n")
    return f"{before}{version}{number}{newline}{IMPORTS}{rest}"


def break_binary(scene: Scene) -> None:
    """Replace containerd by something that does not run."""
    scene.node.sh(f"mv {BINARY} {BINARY}.away && printf '#!/bin/sh\\nexit 1\\n' >{BINARY} && chmod 755 {BINARY}")


def mend_binary(scene: Scene) -> None:
    """Undo ``break_binary``."""
    scene.node.sh(f"mv {BINARY}.away {BINARY}")


def _before_start(scene: Scene, *, new: str, old: str = ":", more: str = "") -> None:
    scene.node.write(f"{PLACE}/start", f"if {IS_NEW}; then\n{new}\nelse\n{old}\nfi\n")
    _drop_in(scene, f"{more}ExecStartPre=/bin/sh {PLACE}/start\n")


def _drop_in(scene: Scene, lines: str) -> None:
    scene.node.write(DROP_IN, f"[Service]\n{lines}")
    scene.node.sh("systemctl daemon-reload")
