"""A fleet of scripted machines: a written inventory, loaded as ever, with scripts of answers in place of SSH."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from caches.spec import Wanted
from containerd.model import Generation
from fleet.inventory import GENERATION_GROUPS, Fleet, load
from fleet.journal import NAME
from fleet.remote import REMOTE
from fleet.runs import read
from fleet.screen import Screen
from fleet.stop import Stop
from templates import render_cache_config
from tests.fakes.cache_host import ScriptedCacheHost
from tests.fakes.node import CONFIG, ScriptedNode, shipped_config

GENERATION_OF = {"1.6": Generation.V1_6, "1.7": Generation.V1_7, "2": Generation.V2}
REGISTRIES = {
    "docker.io": {
        "upstream": "https://registry-1.docker.io", "port": 5000, "container": "registry",
        "probe": "docker.io/library/tiny:1",
    },
    "ghcr.io": {
        "upstream": "https://ghcr.io", "port": 5010, "container": "registry-ghcr", "probe": "ghcr.io/lab/tiny:1",
    },
}  # fmt: skip
LIMITS = {"revert_after": 60, "restart_within": 5, "verify_within": 5}


class Recorder(Screen):
    """A screen whose ``lines`` are kept; ``answer`` is what somebody types, and ``None`` means that nobody is there."""

    def __init__(self, answer: str | None = None) -> None:
        super().__init__(quiet=True)
        self.answer = answer
        self.lines: list[str] = []
        self.questions: list[str] = []

    def progress(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there."""
        return self.answer is not None

    def agreed(self, question: str, answer: str) -> bool:
        """Keep the question, and answer it."""
        self.questions.append(question)
        return self.answer is None or self.answer == answer


@dataclass
class FakeFleet:
    """The real ``fleet``, and the machines behind it."""

    fleet: Fleet
    nodes: Mapping[str, ScriptedNode]
    hosts: Mapping[str, ScriptedCacheHost]
    screen: Recorder

    def __getitem__(self, name: str) -> ScriptedNode:
        return self.nodes[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Return all nodes, in the order of hosts.yaml."""
        return tuple(self.nodes)

    @property
    def journals(self) -> list[Path]:
        """Return the journals, the newest last. Runs of one second do not sort by their ids."""
        return sorted(self.fleet.runs.glob(f"*/{NAME}"), key=lambda path: path.stat().st_mtime_ns)

    def journal(self, event: str = "") -> list[Mapping[str, Any]]:
        """Return the events of the newest journal, or only those of one kind."""
        return [it for it in read(self.journals[-1]) if event in ("", it["event"])]

    def steps(self, node: str) -> list[str]:
        """Return the steps of ``node`` that the newest journal has begun."""
        return [it["step"] for it in self.journal("begin") if it["node"] == node]

    def armed(self) -> list[str]:
        """Return the nodes that were armed."""
        return [name for name, node in self.nodes.items() if node.called("arm")]


def build(
    directory: Path,
    nodes: Mapping[str, str] | None = None,
    *,
    cache_hosts: int = 1,
    registries: Mapping[str, Mapping[str, Any]] | None = None,
    limits: Mapping[str, int] | None = None,
    strategies: Mapping[str, str] | None = None,
    answer: str | None = None,
) -> FakeFleet:
    """Return a fleet of ``nodes`` (generation by name; a name with ``master`` is of the control plane), written below
    ``directory``: by default three workers of containerd 1.7.

    Every node still has the wildcard mirror, and every cache is deployed and healthy. Nobody is there to be asked
    unless ``answer`` says what is typed.
    """
    generations = {name: GENERATION_OF[it] for name, it in (nodes or dict.fromkeys(WORKERS, "1.7")).items()}
    addresses = {f"vm-{number}": f"192.0.2.{number}" for number in range(1, cache_hosts + 1)}
    data = {"registries": registries or REGISTRIES, "transaction": limits or LIMITS, "runs": "runs"}
    _write(directory, generations, addresses, strategies or {}, data)
    fleet = load(directory)
    hosts = {name: ScriptedCacheHost(address) for name, address in addresses.items()}
    wanted = [Wanted(spec, render_cache_config(spec)) for spec in fleet.caches.specs]
    for host in hosts.values():
        host.deploy(wanted, fleet.caches.upkeep)
    machines = {name: _node(fleet, name, generation, hosts) for name, generation in generations.items()}
    for name, remote in {**hosts, **machines}.items():
        fleet.inventory.hosts[name].data[REMOTE] = remote
    return FakeFleet(fleet, machines, hosts, Recorder(answer))


WORKERS = ("worker-1", "worker-2", "worker-3")


def _node(fleet: Fleet, name: str, generation: Generation, hosts: Mapping[str, ScriptedCacheHost]) -> ScriptedNode:
    caches = {host.address: host for host in hosts.values()}
    config = shipped_config(name, generation, f"http://{next(iter(caches))}:5000")
    address = str(fleet.inventory.hosts[name].hostname)
    return ScriptedNode(address, name=name, generation=generation, files={CONFIG: config.encode()}, caches=caches)


def _write(
    directory: Path,
    generations: Mapping[str, Generation],
    caches: Mapping[str, str],
    strategies: Mapping[str, str],
    data: Mapping[str, Any],
) -> None:
    group_of = {generation: group for group, generation in GENERATION_GROUPS.items()}
    hosts: dict[str, Any] = {name: {"hostname": it, "groups": ["caches"]} for name, it in caches.items()}
    for number, (name, generation) in enumerate(generations.items(), start=1):
        role = "control-plane" if "master" in name else "workers"
        hosts[name] = {"hostname": f"198.51.100.{number}", "groups": [role, group_of[generation]]}
        hosts[name] |= {"data": {"strategy": strategies[name]}} if name in strategies else {}
    groups: dict[str, Any] = {name: {"data": {"strategy": "config_path"}} for name in GENERATION_GROUPS}
    groups |= {"containerd-1.6": {"data": {"strategy": "mirrors"}}, "workers": {}, "control-plane": {}, "caches": {}}
    texts = {"hosts": hosts, "groups": groups, "defaults": {"username": "root", "data": dict(data)}}
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        plain = yaml.safe_dump(content, sort_keys=False)
        (directory / f"{name}.yaml").write_text(plain, encoding="utf-8")


def ctrl_c(stop: Stop, times: int = 1) -> None:
    """Press Ctrl-C: send the signal to this process, and return once it has been heard."""
    for _ in range(times):
        urgent = stop.asked
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 5
        while not (stop.urgent if urgent else stop.asked):
            assert time.monotonic() < until, "nobody listens to SIGINT"
            time.sleep(0.001)


def outcomes(report: Any) -> dict[str, str]:
    """Return the word that each node of a report ended with."""
    return {name: node.outcome.value for name, node in report.nodes.items()}


def every(names: Sequence[str], word: str) -> dict[str, str]:
    """Return the same word for each of ``names``."""
    return dict.fromkeys(names, word)
