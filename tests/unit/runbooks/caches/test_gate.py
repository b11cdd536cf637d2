"""What the gate says to a run, from what was seen of the caches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caches.health import Health, Seen
from common import Finding, Severity
from containerd.decide import plan_node
from containerd.hosts import HostEntry, HostsToml
from containerd.model import Generation, Policy, Strategy
from fleet.inventory import Fleet, load
from fleet.report import Exit, NodeReport, Outcome
from runbooks.caches.gate import judge, reason, wrong_images
from runbooks.caches.verify import CachesHealth, HostHealth
from templates import render_hosts_toml
from tests.unit.containerd.samples import CONFIG, OLD, ROOT
from tests.unit.containerd.test_plan import facts

NODES = ("worker-2", "worker-4")
UNREACHABLE = NodeReport(Outcome.UNREACHABLE, "no SSH connection", Exit.UNREACHABLE)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return load(Path(__file__).parents[4] / "inventory")


def finding(code: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(code, severity, "here", f"{code} is wrong", f"mend {code}")


def well(fleet: Fleet) -> HostHealth:
    caches = (Health(it.container, it.upstream, "running", 0, Seen(), ()) for it in fleet.caches.specs)
    return HostHealth("static", tuple(caches), ())


def with_cache(fleet: Fleet, cache: Health) -> CachesHealth:
    first, *others = well(fleet).caches
    assert first.container == cache.container
    return CachesHealth({"registry-vm": HostHealth("static", (cache, *others), ())})


def cache(*findings: Finding, unreachable: dict[str, str] | None = None) -> Health:
    return Health("registry", "https://registry-1.docker.io", "running", 0, Seen(), findings, unreachable or {})


def test_caches_that_are_well(fleet: Fleet) -> None:
    warned = cache(finding("disk-full", Severity.WARNING))
    for health in (CachesHealth({"registry-vm": well(fleet)}), with_cache(fleet, warned)):
        gate = judge(fleet, health, NODES)
        assert (gate.refused, gate.said) == ((), "5 caches are well, and answer worker-2, worker-4")


def test_a_cache_is_named_once_with_the_first_that_is_wrong(fleet: Fleet) -> None:
    ill = cache(finding("not-running"), finding("no-answer"), unreachable=dict.fromkeys(NODES, "no answer"))
    gate = judge(fleet, with_cache(fleet, ill), NODES)
    assert gate.refused == ("registry on registry-vm: not-running is wrong; mend not-running",)
    assert reason(gate) == (
        "the gate refused: registry on registry-vm: not-running is wrong; mend not-running; "
        "put it right and repeat the command, or add --without-gate"
    )


def test_a_cache_that_a_single_node_does_not_reach(fleet: Fleet) -> None:
    gate = judge(fleet, with_cache(fleet, cache(unreachable={"worker-4": "no answer"})), NODES)
    [line] = gate.refused
    assert line == "registry on registry-vm: no answer from worker-4; let it reach http://198.18.20.10:5000"


def test_of_the_host_only_its_address_counts(fleet: Fleet) -> None:
    host = replace(well(fleet), findings=(finding("no-cron"), finding("address-dhcp")))
    gate = judge(fleet, CachesHealth({"registry-vm": host}), NODES)
    assert gate.refused == ("registry-vm: address-dhcp is wrong; mend address-dhcp",)
    reserved = replace(host, findings=(finding("no-cron"), finding("address-dhcp", Severity.NOTE)))
    assert not judge(fleet, CachesHealth({"registry-vm": reserved}), NODES).refused


@pytest.mark.parametrize("trouble", ["registry-vm", "worker-4"])
def test_what_could_not_be_asked_refuses(fleet: Fleet, trouble: str) -> None:
    hosts = {} if trouble == "registry-vm" else {"registry-vm": well(fleet)}
    gate = judge(fleet, CachesHealth(hosts, {trouble: UNREACHABLE}), NODES)
    assert gate.refused == (f"{trouble} could not be asked: no SSH connection",)


def test_a_host_of_which_nothing_is_known_refuses(fleet: Fleet) -> None:
    gate = judge(fleet, CachesHealth({}), NODES)
    assert gate.refused == ("registry-vm was not asked",)


def test_what_a_node_is_told_where_there_is_more_than_one(fleet: Fleet) -> None:
    host = replace(well(fleet), findings=(finding("address-dhcp"),))
    gate = judge(fleet, CachesHealth({"registry-vm": host}, {"worker-4": UNREACHABLE}), NODES)
    assert "worker-4 could not be asked: no SSH connection (and 1 more); put it right" in reason(gate)


def test_wrong_images_come_first_and_refuse(fleet: Fleet) -> None:
    gate = judge(fleet, CachesHealth({"registry-vm": well(fleet)}), NODES, ("worker-2: wrong; rm it",))
    assert (gate.refused, gate.said) == (("worker-2: wrong; rm it",), "refused, nothing starts")


OWN = '[host."http://198.18.20.10:5010"]\n'
WRONG = '[host."http://198.18.20.10:5020"]\n'
WILDCARD = f'version = 2\n[{OLD}.registry.mirrors."*"]\nendpoint = ["http://198.18.20.10:'


def wrong_after(fleet: Fleet, config: str, files: dict[str, str], strategy: Strategy) -> list[str]:
    """What the gate says of a run on one node, in its words, without the node's name."""
    policy = Policy(strategy, fleet.registries)
    node = facts({CONFIG: config, **{f"{ROOT}/{name}/hosts.toml": text for name, text in files.items()}})
    lines = wrong_images(fleet, {"worker-2": plan_node(node, Generation.V1_7, policy, render_hosts_toml)})
    return [line.removeprefix("worker-2: ") for line in lines]


@pytest.mark.parametrize("strategy", [Strategy.CONFIG_PATH, Strategy.SKIP])
def test_the_wildcard_of_old_does_not_refuse(fleet: Fleet, strategy: Strategy) -> None:
    assert wrong_after(fleet, f'{WILDCARD}5000"]\n', {}, strategy) == []


@pytest.mark.parametrize("port", [5010, 5001])
def test_any_other_wildcard_refuses_where_it_stays(fleet: Fleet, port: int) -> None:
    assert wrong_after(fleet, f'{WILDCARD}{port}"]\n', {}, Strategy.CONFIG_PATH) == []
    [line] = wrong_after(fleet, f'{WILDCARD}{port}"]\n', {}, Strategy.SKIP)
    assert line.startswith(f"http://198.18.20.10:{port} is asked for images of every registry that has no mirror")


def test_what_the_run_puts_right_does_not_refuse(fleet: Fleet) -> None:
    ours = render_hosts_toml(HostsToml("https://ghcr.io", (HostEntry("http://198.18.20.10:5020"),)))
    assert wrong_after(fleet, "version = 2\n", {"ghcr.io": ours}, Strategy.CONFIG_PATH) == []
    assert len(wrong_after(fleet, "version = 2\n", {"ghcr.io": ours}, Strategy.SKIP)) == 1


def test_what_stays_or_becomes_wrong_refuses(fleet: Fleet) -> None:
    """A file of somebody else is kept, and takes effect with the run."""
    wildcard = f'{WILDCARD}5000"]\n'
    assert wrong_after(fleet, wildcard, {"ghcr.io": OWN}, Strategy.CONFIG_PATH) == []
    for name in ("ghcr.io", "gcr.io", "_default", "registry.lan_5000_"):
        [line] = wrong_after(fleet, wildcard, {name: WRONG}, Strategy.CONFIG_PATH)
        assert f"({ROOT}/{name}/hosts.toml:1)" in line
