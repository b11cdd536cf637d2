"""What a cache host without power costs a pull: with containerd's own 30 s for a connection, and with `dial_timeout`.

Needs the lab: python main.py lab up, then python -m bench.dial_timeout. The node is worker-4, containerd 2.1; the cache
is an address that nobody has, so that nothing answers and nothing refuses.
"""

from __future__ import annotations

import time

from containerd.hosts import HostEntry, HostsToml
from lab import machine
from templates import render_hosts_toml

NODE, NOBODY = "worker-4", "198.18.20.250"
IMAGE, SERVER = "ghcr.io/lab/tiny:1", "https://ghcr.io"
PULL = """
folder=$(mktemp -d /tmp/dial.XXXXXX)
device=$(ip route get {nobody} | sed 's/.* dev \\([^ ]*\\).*/\\1/;q')
trap 'ip neigh del {nobody} dev "$device"; rm -rf "$folder"; ctr namespaces rm dial >/dev/null 2>&1' EXIT
ip neigh replace {nobody} lladdr 02:00:00:00:00:fa dev "$device" nud permanent
mkdir "$folder/ghcr.io" && cat >"$folder/ghcr.io/hosts.toml"
ctr -n dial images pull --local --hosts-dir "$folder" {image} >/dev/null &&
    ctr -n dial images rm --sync {image} >/dev/null
"""


def seconds(dial_timeout: str | None) -> float:
    """Pull the image by a hosts.toml whose cache has no power; return the seconds."""
    file = HostsToml(SERVER, (HostEntry(f"http://{NOBODY}:5010", dial_timeout=dial_timeout),))
    script = PULL.format(nobody=NOBODY, image=IMAGE)
    started = time.monotonic()
    done = machine.run(NODE, script, stdin=render_hosts_toml(file).encode(), timeout=600)
    if done.returncode != 0:
        raise SystemExit(done.stderr.decode())
    return time.monotonic() - started


def main() -> None:
    """Print both, and their ratio."""
    long, short = seconds(None), seconds("5s")
    ratio = f"{long / short:.1f} to 1"
    print(f"a pull with the cache host off: {long:.1f} s; with dial_timeout = 5s: {short:.1f} s; {ratio}")


if __name__ == "__main__":
    main()
