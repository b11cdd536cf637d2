"""The root file systems that nodes are made of: one a Debian suite, one more for caches; built once and kept."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import host, mirror
from lab.errors import LabError
from lab.paths import CACHE, LOGS
from lab.topology import CACHES_ROOT

log = logging.getLogger(__name__)

PACKAGES = ("systemd", "systemd-sysv", "dbus", "openssh-server", "containerd", "runc", "iproute2", "sudo")
# What a root file system has besides, by its name: that of its suite, and a dash with what it is for.
ADDITIONAL = {
    CACHES_ROOT: (
        *("docker.io", "docker-cli", "iptables", "cron", "curl", "ca-certificates", "python3"),
        *("docker-registry", "dnsmasq-base"),
    ),
}
SCRIPT = Path("/usr/share/debootstrap/scripts/sid")  # named, since an old debootstrap does not know the newer suites
# Alone with its mounts and processes: both end with it, and it ends with us.
CONFINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)


def path(root: str) -> Path:
    """Return where a root file system is, or will be."""
    return CACHE / root


def ensure(roots: Iterable[str]) -> None:
    """Build the root file systems that are missing, side by side.

    Raises LabError when debootstrap fails, with its last line and its log.
    """
    missing = [root for root in sorted(set(roots)) if not path(root).is_dir()]
    if not missing:
        return
    host.install_keyring()
    archive = mirror.find()
    log.info("building root file systems: %s (takes some minutes, once)", ", ".join(missing))
    with ThreadPoolExecutor(len(missing)) as pool:
        list(pool.map(lambda root: _build(root, archive), missing))


def remove_partial() -> None:
    """Remove what builds that were interrupted have left; none may be running."""
    for partial in CACHE.glob("*.partial"):
        shutil.rmtree(partial)


def _build(root: str, archive: str) -> None:
    partial = CACHE / f"{root}.partial"
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    out = LOGS / f"debootstrap-{root}.log"
    with out.open("w") as file:
        done = subprocess.run(
            [*CONFINED, *_debootstrap(root, partial, archive)],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        last = (out.read_text(errors="replace").strip().splitlines() or ["no output"])[-1]
        raise LabError(f"debootstrap of {root} failed with status {done.returncode}: {last} (see {out})")
    for package in (partial / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    partial.rename(path(root))


def _debootstrap(root: str, target: Path, archive: str) -> list[str]:
    suite = root.partition("-")[0]
    packages = (*PACKAGES, *ADDITIONAL.get(root, ()))
    keyring = [f"--keyring={host.KEYRING}"] if host.KEYRING.exists() else []
    options = ["--variant=minbase", f"--include={','.join(packages)}", *keyring]
    return ["debootstrap", *options, suite, str(target), archive, str(SCRIPT)]
