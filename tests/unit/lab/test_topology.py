from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
import yaml

from lab import control, inventory, topology
from lab.errors import LabUsageError


@pytest.mark.parametrize("workers", [0, 1, 35, 40, topology.MAX_WORKERS])
def test_names_and_addresses_are_unique_and_in_the_lab_s_network(workers: int) -> None:
    nodes = topology.fleet(workers)
    network = ipaddress.ip_network("198.18.20.0/24")
    assert len(nodes) == 7 + workers
    assert len({node.name for node in nodes}) == len({node.address for node in nodes}) == len(nodes)
    assert all(ipaddress.ip_address(node.address) in network for node in nodes)
    assert topology.HOST_ADDRESS not in {node.address for node in nodes}


def test_additional_workers_are_spread_over_all_generations_and_both_file_versions() -> None:
    more = topology.fleet(60)[7:]
    assert more[0].name == "worker-6"
    assert Counter(node.generation.name for node in more if node.generation) == {"1.6": 20, "1.7": 20, "2": 20}
    configs = Counter(node.config for node in more if node.generation is topology.GENERATION_2)
    assert configs == {"config-v2.toml": 10, "config-v3.toml": 10}


@pytest.mark.parametrize("workers", [-1, topology.MAX_WORKERS + 1])
def test_more_workers_than_addresses_are_a_usage_error(workers: int) -> None:
    with pytest.raises(LabUsageError, match="--workers takes 0 to 150"):
        topology.fleet(workers)


def test_only_the_newest_generation_reads_a_file_of_version_3() -> None:
    newer = [node for node in topology.fleet(40) if node.config == "config-v3.toml"]
    assert all(node.generation is topology.GENERATION_2 for node in newer)


def test_the_shipped_inventory_is_the_default_lab() -> None:
    shipped = yaml.safe_load((inventory.SHIPPED / "hosts.yaml").read_text())
    assert {name: set(host["groups"]) for name, host in shipped.items()} == {
        node.name: set(node.groups) for node in topology.fleet()
    }
    assert {name: host["hostname"] for name, host in shipped.items()} == {
        node.name: node.address for node in topology.fleet()
    }


def test_every_group_of_a_written_inventory_exists() -> None:
    groups = yaml.safe_load((inventory.SHIPPED / "groups.yaml").read_text())
    written = yaml.safe_load(inventory.hosts(topology.fleet(12)))
    assert len(written) == 19
    assert {group for host in written.values() for group in host["groups"]} <= set(groups)


def test_machines_are_selected_by_name_the_cache_host_and_the_upstream_too() -> None:
    assert [node.name for node in control.select(topology.fleet(), ["worker-2"])] == ["worker-2"]
    assert {"registry-vm", "upstream"} < {node.name for node in control.select(topology.fleet(), [])}
    with pytest.raises(LabUsageError, match="has no node worker-9, caches; it has upstream, registry-vm, k8s-master"):
        control.select(topology.fleet(), ["worker-1", "worker-9", "caches"])


def test_there_is_an_upstream_for_each_registry_of_the_shipped_inventory() -> None:
    shipped = yaml.safe_load((inventory.SHIPPED / "defaults.yaml").read_text())["data"]["registries"]
    assert {name: row["upstream"] for name, row in shipped.items()} == {
        it.registry: f"https://{it.server}" for it in topology.UPSTREAMS
    }


def test_the_upstream_is_in_no_inventory_and_shares_no_address() -> None:
    nodes = topology.fleet(topology.MAX_WORKERS)
    assert topology.UPSTREAM not in nodes
    every = [address for node in topology.booted(nodes) for address in node.addresses]
    assert len(every) == len(set(every)) == len(nodes) + len(topology.UPSTREAMS)
