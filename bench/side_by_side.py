"""One change on many nodes, side by side: a raw ssh script, pyinfra, Ansible and ours, in one run on one lab.

Needs a lab with more workers (python main.py lab up --workers 54), then python -m bench.side_by_side. Contenders that
are not on PATH are left out (pip install pyinfra ansible-core mitogen). All make the same change to the same nodes,
with their first bytes each time. The others run bench/raw.sh, which has no sandbox test, timer, second look or
rollback; ours runs without the settle time and the gate. Nothing here asserts anything: the figures are of one run, on
a machine that runs the nodes too.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.delay import far
from bench.measure import Cost, cost, run
from lab import control
from lab.inventory import write
from lab.paths import KEY, KNOWN_HOSTS
from lab.topology import Node

PROJECT = Path(__file__).parent.parent
RAW = PROJECT / "bench" / "raw.sh"
SSH = ("ssh", "-F", "none", "-i", str(KEY), "-o", "BatchMode=yes")
AT_ONCE = 40
ROUND_TRIP = 0.1


def raw(nodes: Sequence[Node], *, port: int = 22, known_hosts: Path = KNOWN_HOSTS, address: str = "") -> None:
    """Send the script to each node by OpenSSH's client, all at once."""

    def send(node: Node) -> None:
        words = (*SSH, "-o", f"UserKnownHostsFile={known_hosts}", "-p", str(port), f"root@{address or node.address}")
        run(*words, "sh", "-s", stdin=RAW.read_bytes())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, nodes))


def ours(nodes: Sequence[Node], inventory: Path) -> None:
    """Roll out to the nodes, as many at once as there may be."""
    names = ",".join(node.name for node in nodes)
    words = ("rollout", "--all", "--limit", names, "--num-workers", str(AT_ONCE), "--settle", "0", "--without-gate")
    run(sys.executable, str(PROJECT / "main.py"), *words, "--yes", "--json", "--inventory", str(inventory))


def floor(nodes: Sequence[Node], inventory: Path) -> None:
    """Make two connections and four empty calls a node."""
    run(sys.executable, "-m", "bench.floor", str(inventory), ",".join(node.name for node in nodes))


def pyinfra(nodes: Sequence[Node], directory: Path) -> None:
    """Run the script as one operation of pyinfra."""
    data = {"ssh_user": "root", "ssh_key": str(KEY), "ssh_known_hosts_file": str(KNOWN_HOSTS)}
    file = directory / "hosts.py"
    file.write_text(f"nodes = {[(node.address, data) for node in nodes]!r}\n")
    run("pyinfra", "-y", "--parallel", str(AT_ONCE), str(file), "server.script", f"src={RAW}")


def ansible(nodes: Sequence[Node], directory: Path, strategy: str = "") -> None:
    """Run the script as one task of Ansible, with pipelining; ``strategy`` is the directory of Mitogen's."""
    (directory / "hosts.ini").write_text("".join(f"{node.address} ansible_user=root\n" for node in nodes))
    play = "- hosts: all\n  gather_facts: false\n  tasks: [{script: " + str(RAW) + "}]\n"
    (directory / "play.yml").write_text(play)
    lines = ["[defaults]", "[ssh_connection]", "pipelining = true"]
    if strategy:
        lines[1:1] = [f"strategy_plugins = {strategy}", "strategy = mitogen_linear"]
    (directory / "ansible.cfg").write_text("\n".join(lines) + "\n")
    options = f"--ssh-common-args=-F none -o UserKnownHostsFile={KNOWN_HOSTS}"
    where = f"ANSIBLE_CONFIG={directory / 'ansible.cfg'}"
    words = ("--forks", str(AT_ONCE), "--private-key", str(KEY), options, str(directory / "play.yml"))
    run("env", where, "ansible-playbook", "-i", str(directory / "hosts.ini"), *words)


def contenders(nodes: Sequence[Node], inventory: Path, directory: Path) -> dict[str, Callable[[], None]]:
    """Return what runs side by side, by its name: those that are installed."""
    acts: dict[str, Callable[[], None]] = {
        "floor: two connections, four empty calls": lambda: floor(nodes, inventory),
        "one raw ssh script a node": lambda: raw(nodes),
    }
    if shutil.which("pyinfra"):
        acts["pyinfra"] = lambda: pyinfra(nodes, directory)
    if shutil.which("ansible-playbook"):
        acts["Ansible, pipelining"] = lambda: ansible(nodes, directory)
        spec = importlib.util.find_spec("ansible_mitogen")
        if spec and spec.origin:
            plugins = str(Path(spec.origin).parent / "plugins" / "strategy")
            acts["Ansible, Mitogen"] = lambda: ansible(nodes, directory, plugins)
    return acts | {"ours": lambda: ours(nodes, inventory)}


def many(nodes: Sequence[Node], inventory: Path, directory: Path) -> None:
    """Print what each contender costs on all nodes, and ours again when there is nothing to do."""
    names = [node.name for node in nodes]
    print(f"{len(nodes)} nodes, {os.cpu_count()} cores for them and the controller")
    for title, act in contenders(nodes, inventory, directory).items():
        control.reset(names)
        _line(title, cost(act, names), len(nodes))
    _line("ours again, nothing to do", cost(lambda: ours(nodes, inventory), names), len(nodes))


def one_far_away(node: Node, directory: Path) -> None:
    """Print what raw and ours cost on one node that is 100 ms away."""
    with far(node.address, 22, ROUND_TRIP) as port:
        known_hosts, inventory = _far_inventory(node, port, directory)
        acts: dict[str, Callable[[], None]] = {
            "raw": lambda: raw([node], port=port, known_hosts=known_hosts, address="127.0.0.1"),
            "floor": lambda: floor([node], inventory),
            "ours": lambda: ours([node], inventory),
        }
        for title, act in acts.items():
            control.reset([node.name])
            _line(f"one node at {1000 * ROUND_TRIP:.0f} ms, {title}", cost(act, [node.name]), 1)


def _far_inventory(node: Node, port: int, directory: Path) -> tuple[Path, Path]:
    keys = [
        line.split(" ", 1)[1] for line in KNOWN_HOSTS.read_text().splitlines() if line.startswith(f"{node.address} ")
    ]
    known_hosts, inventory = directory / "known_hosts", directory / "far"
    known_hosts.write_text("".join(f"[127.0.0.1]:{port} {key}\n" for key in keys))
    shutil.copytree(PROJECT / "inventory", inventory)
    defaults = (inventory / "defaults.yaml").read_text().replace(str(KNOWN_HOSTS), str(known_hosts))
    (inventory / "defaults.yaml").write_text(defaults)
    hosts = (inventory / "hosts.yaml").read_text()
    (inventory / "hosts.yaml").write_text(
        hosts.replace(f"hostname: {node.address}, port: 22", f"hostname: 127.0.0.1, port: {port}")
    )
    return known_hosts, inventory


def _line(title: str, it: Cost, nodes: int) -> None:
    each = f"controller {1000 * it.controller / nodes:.0f} ms, node {1000 * it.nodes / nodes:.0f} ms of CPU a node"
    print(f"{title:45} {it.wall:6.1f} s  {each}", flush=True)


def main() -> None:
    """Measure on every worker of the lab whose strategy is config_path."""
    everything = control.nodes()
    nodes = [
        node for node in everything if node.role == "workers" and node.generation and node.generation.name != "1.6"
    ]
    with tempfile.TemporaryDirectory() as name:
        many(nodes, write(everything), Path(name))
        one_far_away(next(node for node in nodes if node.name == "worker-2"), Path(name))


if __name__ == "__main__":
    main()
