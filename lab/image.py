"""What makes a Debian root file system a node: a layer for all nodes of a suite, and a few files of its own."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from string import Template

from lab import keys, roots
from lab.paths import FILES, KEY, LAYERS, machine
from lab.topology import CACHE_ENDPOINT, Generation, Node

USERS = {"operator": 1000, "nosudo": 1001}
USERS_GROUP = 100
SHADOW_GROUP = 42
SUDOERS = "operator ALL=(ALL:ALL) NOPASSWD: ALL\n"
# Units that take time at boot, or wake up later, and do nothing for a node of the lab.
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "fstrim.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "systemd-tmpfiles-clean.timer",
    "console-getty.service",
    "getty.target",
    "systemd-modules-load.service",
    "systemd-pstore.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-networkd-wait-online.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-update-utmp.service",
    "sshd-keygen.service",
    "remote-fs.target",
)


def layer(suite: str) -> Path:
    """Return the layer that all nodes of a suite share, made now if it is missing: users, keys, sshd, masked units."""
    done = LAYERS / suite
    if not done.is_dir():
        partial = LAYERS / f"{suite}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        _write_layer(partial, roots.path(suite))
        partial.rename(done)
    return done


def write_own_files(node: Node, generation: Generation, upper: Path) -> None:
    """Fill a node's empty overlay: its name, its host key, and the containerd configuration that it starts with."""
    _write(upper, "etc/hostname", f"{node.name}\n")
    _write(upper, "etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {node.name}\n")
    _write(upper, "etc/machine-id", f"{uuid.uuid5(uuid.NAMESPACE_DNS, machine(node.name)).hex}\n")
    host_key = keys.host_key(node.name)
    _write(upper, "etc/ssh/ssh_host_ed25519_key", host_key.read_text(), mode=0o600)
    _write(upper, "etc/ssh/ssh_host_ed25519_key.pub", keys.public(host_key))
    _write(upper, "etc/containerd/config.toml", containerd_config(node, generation))


def containerd_config(node: Node, generation: Generation) -> str:
    """Return the text of the config.toml that a node starts with: the seed's wildcard mirror."""
    template = Template((FILES / node.config).read_text())
    return template.substitute(name=node.name, sandbox_image=generation.sandbox_image, cache=CACHE_ENDPOINT)


def with_users(passwd: str) -> str:
    """Return the text of /etc/passwd with the lab's users added."""
    lines = [f"{name}:x:{uid}:{USERS_GROUP}::/home/{name}:/bin/bash\n" for name, uid in USERS.items()]
    return passwd + "".join(lines)


def with_shadows(shadow: str) -> str:
    """Return the text of /etc/shadow with the lab's users added: no password fits, and the accounts are not locked."""
    return shadow + "".join(f"{name}:*:20000:0:99999:7:::\n" for name in USERS)


def _write_layer(top: Path, root: Path) -> None:
    _write(top, "etc/passwd", with_users((root / "etc/passwd").read_text()))
    _write(top, "etc/shadow", with_shadows((root / "etc/shadow").read_text()), mode=0o640, group=SHADOW_GROUP)
    _write(top, "etc/sudoers.d/operator", SUDOERS, mode=0o440)
    _write(top, "etc/ssh/sshd_config.d/lab.conf", (FILES / "sshd.conf").read_text())
    _write(top, "etc/resolv.conf", "# a node has no way out\n")
    for stamp in ("etc/.updated", "var/.updated"):  # or systemd rebuilds its databases at the first boot
        _write(top, stamp, "")
    authorized = keys.public(KEY)
    _write(top, "root/.ssh/authorized_keys", authorized, mode=0o600)
    (top / "root").chmod(0o700)
    for name, uid in USERS.items():
        _write(top, f"home/{name}/.ssh/authorized_keys", authorized, mode=0o600)
        for entry in (f"home/{name}", f"home/{name}/.ssh", f"home/{name}/.ssh/authorized_keys"):
            os.chown(top / entry, uid, USERS_GROUP)
    units = top / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in MASKED:
        (units / unit).symlink_to("/dev/null")


def _write(top: Path, name: str, text: str, *, mode: int = 0o644, group: int = 0) -> None:
    """Write a file below `top` with exactly this mode, and its directories, whatever the umask is."""
    file = top / name
    for directory in reversed([entry for entry in file.parents if entry.is_relative_to(top)]):
        if not directory.exists():
            directory.mkdir(parents=directory == top)
            directory.chmod(0o755)
    file.write_text(text)
    os.chown(file, 0, group)
    file.chmod(mode)
