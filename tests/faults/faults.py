"""The faults: what happens to a node, a network or a controller in the middle of a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab import cgroups, machine, network
from tests.faults import daemon, trees
from tests.faults.scene import Scene
from tests.faults.settings import SHORT, Limits

Act = Callable[[Scene], None]
FLEET = "/var/lib/containerd-fleet"
BY_HAND = "# by hand"


def nothing(_: Scene) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    ``prepare`` makes the node ready for it before the run, ``strike`` is the fault, at its point. ``lift`` ends it once
    the node has settled, or where it ``outlasts`` what the run can do, once the run has ended.
    """

    name: str
    strike: Act = nothing
    prepare: Act = nothing
    lift: Act = nothing
    outlasts: bool = False
    kills_controller: bool = False
    boots: bool = False
    username: str = "root"
    limits: Limits = SHORT


# The controller


def kill_controller(scene: Scene) -> None:
    """End the controller without a word, as the kernel does where memory is short, and as a closed laptop does."""
    scene.kill()


def kill_and_finish(scene: Scene) -> None:
    """End the controller, and settle what it left before the timer acts."""
    scene.kill()
    scene.finish()


def ask_to_stop(number: signal.Signals, times: int = 1) -> Act:
    """Return the fault of so many signals."""

    def strike(scene: Scene) -> None:
        for _ in range(times):
            scene.signal(number)

    return strike


def second_controller(scene: Scene) -> None:
    """Let somebody else start a rollout on the same node, to its end."""
    words = ("--host", scene.lab.name, "--yes", "--json", "--settle", "0", "--without-gate")
    scene.second = scene.fleet("canary", *words)


# The network


def cut_network(scene: Scene) -> None:
    """Unplug the node."""
    network.cut(scene.lab)


def mend_network(scene: Scene) -> None:
    """Plug it in again."""
    network.mend(scene.lab)


def freeze_sshd(scene: Scene) -> None:
    """Stop every process of sshd: connections stay open, and nothing answers."""
    for pid in cgroups.pids(scene.lab.name):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                os.kill(pid, signal.SIGSTOP)
                scene.frozen.append(pid)


def thaw_sshd(scene: Scene) -> None:
    """Let sshd go on."""
    for pid in scene.frozen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


# The node


def reboot(scene: Scene) -> None:
    """Reboot the node in order."""
    # It may be down before the call has its answer.
    scene.node.sh("systemctl reboot || true")


def short_shutdown(scene: Scene) -> None:
    """Let a shutdown wait 2 s, and not 90, for processes that SIGTERM does not end, such as our container's."""
    scene.node.write("/etc/systemd/system.conf.d/fault.conf", "[Manager]\nDefaultTimeoutStopSec=2s\n")
    scene.node.sh("systemctl daemon-reload")


def power_cut(scene: Scene) -> None:
    """Take the node's power away, and give it back."""
    machine.power_cut(scene.lab.name)


def small_disks(scene: Scene) -> None:
    """Give /etc/containerd, and the place of the transactions, small file systems of their own."""
    for directory, size, mode in (("/etc/containerd", "8m", "755"), (FLEET, "8m", "700")):
        scene.node.sh(
            f"mkdir -p {directory} && cp -a {directory} /tmp/copy && "
            f"mount -t tmpfs -o size={size},mode={mode} tmpfs {directory} && "
            f"cp -a /tmp/copy/. {directory}/ && rm -r /tmp/copy"
        )


def fill_disks(scene: Scene) -> None:
    """Leave no byte free there."""
    for directory in ("/etc/containerd", FLEET):
        scene.node.sh(f"cat /dev/zero >{directory}/.filler 2>/dev/null || true")


def empty_disks(scene: Scene) -> None:
    """Give the room back."""
    scene.node.sh(f"rm -f /etc/containerd/.filler {FLEET}/.filler")


def read_only(scene: Scene) -> None:
    """Make /etc read-only, as a file system with an error does of itself."""
    scene.node.sh("mount --bind /etc /etc && mount -o remount,ro,bind /etc")


def writable(scene: Scene) -> None:
    """Undo ``read_only``."""
    scene.node.sh("umount --lazy /etc")


def lose_permission(scene: Scene) -> None:
    """Take the right to become root away from the operator."""
    scene.node.sh("mv /etc/sudoers.d/operator /root/operator.sudoers")


def regain_permission(scene: Scene) -> None:
    """Give it back."""
    scene.node.sh("mv /root/operator.sudoers /etc/sudoers.d/operator")


def edit_before_swap(scene: Scene) -> None:
    """Change config.toml by hand: what is live is no longer what was planned on, and is to stay."""
    scene.node.sh(f"echo '{BY_HAND}' >>/etc/containerd/config.toml")
    scene.old = {**scene.old, trees.CONFIG: scene.tree()[trees.CONFIG]}


def edit_after_swap(scene: Scene) -> None:
    """Change the new config.toml by hand: the way back has to save that edit."""
    scene.node.sh(f"echo '{BY_HAND}' >>/etc/containerd/config.toml")


UNHURRIED = Limits(revert_after=60)
"""Where somebody else has to come and go before the timer acts."""

CONTROL = Fault("none")
KILL = Fault("controller killed (SIGKILL)", kill_controller, kills_controller=True)
FINISH = Fault("controller killed, and `finish` at once", kill_and_finish, kills_controller=True, limits=UNHURRIED)
CUT = Fault("network cut", cut_network, lift=mend_network)
FREEZE = Fault("sshd frozen", freeze_sshd, lift=thaw_sshd)
REBOOT = Fault("node rebooted", reboot, short_shutdown, boots=True)
POWER_CUT = Fault("node's power cut", power_cut, boots=True)
SECOND = Fault("a second controller", second_controller, limits=UNHURRIED)
DISK_FULL = Fault("disk full", fill_disks, small_disks, empty_disks, outlasts=True)
READ_ONLY = Fault("/etc read-only", read_only, lift=writable, outlasts=True)
PERMISSION_LOST = Fault("permission lost", lose_permission, lift=regain_permission, username="operator", outlasts=True)
EDIT_BEFORE_SWAP = Fault("config.toml changed by somebody else after the plan", edit_before_swap)
EDIT_AFTER_SWAP = Fault("config.toml changed by somebody else after the swap", edit_after_swap)
CTRL_C = Fault("Ctrl-C once", ask_to_stop(signal.SIGINT))
CTRL_C_TWICE = Fault("Ctrl-C twice", ask_to_stop(signal.SIGINT, 2))
TERM = Fault("SIGTERM", ask_to_stop(signal.SIGTERM))
HANGUP = Fault("SIGHUP", ask_to_stop(signal.SIGHUP))
HANGUP_TWICE = Fault("SIGHUP twice", ask_to_stop(signal.SIGHUP, 2))

NO_START = Fault("containerd does not start", prepare=daemon.fails_to_start)
DIES = Fault("containerd dies 5 s after its start", prepare=daemon.dies, limits=Limits(revert_after=26, settle=6))
HANGS = Fault("containerd hangs in its start", prepare=daemon.hangs)
CRI_ERROR = Fault("the CRI plugin errors", prepare=daemon.cri_errors)
CRI_DISABLED = Fault("the CRI plugin is disabled", prepare=daemon.cri_disabled)
START_LIMIT = Fault("containerd fails until systemd's start limit", prepare=daemon.start_limit)
OF_CONTAINERD = (NO_START, DIES, HANGS, CRI_ERROR, CRI_DISABLED, START_LIMIT)
BROKEN_BINARY = Fault("the binary is broken", daemon.break_binary, lift=daemon.mend_binary, outlasts=True)
