"""The root file systems that nodes are made of: one a Debian suite, built once and kept."""

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

log = logging.getLogger(__name__)

PACKAGES = ("systemd", "systemd-sysv", "dbus", "openssh-server", "containerd", "runc", "iproute2", "sudo")
SCRIPT = Path("/usr/share/debootstrap/scripts/sid")  # named, since an old debootstrap does not know the newer suites
# Alone with its mounts and processes: both end with it, and it ends with us.
CONFINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)


def path(suite: str) -> Path:
    """Return where a suite's root file system is, or will be."""
    return CACHE / suite


def ensure(suites: Iterable[str]) -> None:
    """Build the root file systems that are missing, side by side.

    Raises LabError when debootstrap fails, with its last line and its log.
    """
    missing = [suite for suite in sorted(set(suites)) if not path(suite).is_dir()]
    if not missing:
        return
    host.install_keyring()
    archive = mirror.find()
    log.info("building root file systems: %s (takes some minutes, once)", ", ".join(missing))
    with ThreadPoolExecutor(len(missing)) as pool:
        list(pool.map(lambda suite: _build(suite, archive), missing))


def remove_partial() -> None:
    """Remove what builds that were interrupted have left; none may be running."""
    for partial in CACHE.glob("*.partial"):
        shutil.rmtree(partial)


def _build(suite: str, archive: str) -> None:
    partial = CACHE / f"{suite}.partial"
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    out = LOGS / f"debootstrap-{suite}.log"
    with out.open("w") as file:
        done = subprocess.run(
            [*CONFINED, *_debootstrap(suite, partial, archive)],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        last = (out.read_text(errors="replace").strip().splitlines() or ["no output"])[-1]
        raise LabError(f"debootstrap of {suite} failed with status {done.returncode}: {last} (see {out})")
    for package in (partial / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    partial.rename(path(suite))


def _debootstrap(suite: str, target: Path, archive: str) -> list[str]:
    keyring = [f"--keyring={host.KEYRING}"] if host.KEYRING.exists() else []
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", *keyring]
    return ["debootstrap", *options, suite, str(target), archive, str(SCRIPT)]
