"""What makes a Debian root file system a node: a layer for all of one root file system, and a few files of its own."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from string import Template

from lab import keys, roots
from lab.paths import FILES, KEY, LAYERS, TLS_CERTIFICATE, machine
from lab.topology import CACHE_ENDPOINT, UPSTREAMS, Generation, Node

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


def layer(root: str) -> Path:
    """Return the layer over a root file system, made now if it is missing: users, keys, sshd, masked units."""
    done = LAYERS / root
    if not done.is_dir():
        partial = LAYERS / f"{root}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        _write_layer(partial, roots.path(root))
        partial.rename(done)
    return done


def write_own_files(node: Node, upper: Path) -> None:
    """Fill a node's empty overlay: its name, its host key, the upstreams, and the containerd configuration it has."""
    write(upper, "etc/hostname", f"{node.name}\n")
    upstreams = "".join(f"{it.address} {it.server}\n" for it in UPSTREAMS)
    write(upper, "etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {node.name}\n{upstreams}")
    write(upper, "etc/ssl/certs/ca-certificates.crt", TLS_CERTIFICATE.read_text())
    write(upper, "etc/machine-id", f"{uuid.uuid5(uuid.NAMESPACE_DNS, machine(node.name)).hex}\n")
    host_key = keys.host_key(node.name)
    write(upper, "etc/ssh/ssh_host_ed25519_key", host_key.read_text(), mode=0o600)
    write(upper, "etc/ssh/ssh_host_ed25519_key.pub", keys.public(host_key))
    if node.generation:
        write(upper, "etc/containerd/config.toml", containerd_config(node, node.generation))


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


def write(top: Path, name: str, text: str, *, mode: int = 0o644, group: int = 0) -> None:
    """Write a file below `top` with exactly this mode, and its directories, whatever the umask is."""
    file = top / name
    for directory in reversed([entry for entry in file.parents if entry.is_relative_to(top)]):
        if not directory.exists():
            directory.mkdir(parents=directory == top)
            directory.chmod(0o755)
    file.write_text(text)
    os.chown(file, 0, group)
    file.chmod(mode)


def _write_layer(top: Path, root: Path) -> None:
    write(top, "etc/passwd", with_users((root / "etc/passwd").read_text()))
    write(top, "etc/shadow", with_shadows((root / "etc/shadow").read_text()), mode=0o640, group=SHADOW_GROUP)
    write(top, "etc/sudoers.d/operator", SUDOERS, mode=0o440)
    write(top, "etc/ssh/sshd_config.d/lab.conf", (FILES / "sshd.conf").read_text())
    write(top, "etc/resolv.conf", "# a node has no way out\n")
    for stamp in ("etc/.updated", "var/.updated"):  # or systemd rebuilds its databases at the first boot
        write(top, stamp, "")
    authorized = keys.public(KEY)
    write(top, "root/.ssh/authorized_keys", authorized, mode=0o600)
    (top / "root").chmod(0o700)
    for name, uid in USERS.items():
        write(top, f"home/{name}/.ssh/authorized_keys", authorized, mode=0o600)
        for entry in (f"home/{name}", f"home/{name}/.ssh", f"home/{name}/.ssh/authorized_keys"):
            os.chown(top / entry, uid, USERS_GROUP)
    units = top / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in MASKED:
        (units / unit).symlink_to("/dev/null")
