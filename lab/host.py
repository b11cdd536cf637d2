"""What the lab needs of this machine: commands, packages and limits."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError

log = logging.getLogger(__name__)

PACKAGES = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "busybox": "busybox-static",
    "openssl": "openssl",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SYSCTLS = {
    "fs/inotify/max_user_instances": 8192,
    "fs/inotify/max_user_watches": 1048576,
    "kernel/keys/maxkeys": 20000,
    "kernel/keys/maxbytes": 2000000,
}


def call(command: Sequence[str], text: str | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command to its end, with `text` as its input, and return its output.

    Raises LabError with the last line of its errors when it fails or does not exist.
    """
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=env)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise LabError(f"{' '.join(command)} failed with status {done.returncode}: {lines[-1]}")
    return done.stdout


def install_missing() -> None:
    """Install with apt-get what the lab needs and this machine does not have.

    Raises LabError when there is no apt-get, or it fails.
    """
    missing = {package for command, package in PACKAGES.items() if shutil.which(command) is None}
    if missing:
        _install(sorted(missing))


def install_keyring() -> None:
    """Install Debian's archive keys where the machine's own packages have them; without them debootstrap decides."""
    if KEYRING.exists() or shutil.which("apt-cache") is None:
        return
    if (
        subprocess.run(["apt-cache", "show", "debian-archive-keyring"], capture_output=True, check=False).returncode
        == 0
    ):
        _install(["debian-archive-keyring"])


def raise_limits() -> None:
    """Raise the kernel limits that many containers run into. They are never lowered, and stay raised after the lab."""
    for name, wanted in SYSCTLS.items():
        setting = Path("/proc/sys") / name
        if int(setting.read_text()) < wanted:
            setting.write_text(str(wanted))


def _install(packages: Sequence[str]) -> None:
    if shutil.which("apt-get") is None:
        raise LabError(f"missing on this machine, and there is no apt-get to install it: {' '.join(packages)}")
    log.info("installing %s", " ".join(packages))
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    call(["apt-get", "-q", "update"], env=env)
    call(["apt-get", "-q", "-y", "--no-install-recommends", "install", *packages], env=env)
