"""Caches verify over scripted machines: what is healthy, what is wrong, and from where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.report import Exit
from fleet.screen import Screen
from runbooks.caches.verify import CachesHealth, verify_caches
from tests.fakes.fleet import FakeFleet, build


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    return build(tmp_path)


def verified(fakes: FakeFleet) -> CachesHealth:
    return verify_caches(fakes.fleet, fakes.screen)


def test_healthy_caches_that_every_node_reaches(fakes: FakeFleet, capsys: pytest.CaptureFixture[str]) -> None:
    health = verified(fakes)
    assert health.exit_code is Exit.OK
    caches = json.loads(health.as_json())["hosts"]["vm-1"]["caches"]
    assert {name: it["well"] for name, it in caches.items()} == {"registry": True, "registry-ghcr": True}
    assert all("state" not in it["seen"] for it in caches.values())
    health.show(Screen())
    assert "registry-ghcr" in capsys.readouterr().out
    # Every cache was asked from every node.
    for node in fakes.nodes.values():
        assert {call.args[0] for call in node.called("http_status")} == {
            "http://192.0.2.1:5000/v2/",
            "http://192.0.2.1:5010/v2/",
        }


@pytest.mark.parametrize("how", ["broken", "exited", "another upstream", "not deployed"])
def test_one_that_is_wrong(fakes: FakeFleet, how: str) -> None:
    host = fakes.hosts["vm-1"]
    if how == "broken":
        host.broken.add("registry")
    elif how == "exited":
        host.containers["registry"].status = "exited"
    elif how == "another upstream":
        host.containers["registry"].upstream = "https://quay.io"
    else:
        del host.containers["registry"]
    health = verified(fakes)
    assert health.exit_code is Exit.PENDING
    assert {it.container: it.well for it in health.hosts["vm-1"].caches} == {"registry": False, "registry-ghcr": True}
    health.show(Screen(quiet=True))


def test_a_node_that_a_cache_does_not_answer_is_named(fakes: FakeFleet) -> None:
    fakes["worker-2"].caches = {}
    health = verified(fakes)
    assert health.exit_code is Exit.PENDING
    assert all(list(cache.unreachable) == ["worker-2"] for cache in health.hosts["vm-1"].caches)


@pytest.mark.parametrize("machine", ["vm-1", "worker-2"])
def test_a_machine_that_cannot_be_asked(fakes: FakeFleet, machine: str) -> None:
    (fakes.hosts.get(machine) or fakes[machine]).up = False
    health = verified(fakes)
    assert list(health.trouble)[:1] == [machine]
    # With its host gone no node reaches a cache either, but of what is wrong there nothing is known.
    assert health.exit_code is Exit.UNREACHABLE


def test_a_leased_address_is_wrong(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].dhcp = True
    assert verified(fakes).exit_code is Exit.PENDING
    assert verify_caches(fakes.fleet, fakes.screen, allow_dhcp=True).exit_code is Exit.OK


def test_a_host_without_docker_is_a_finding(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].docker = ""
    assert verified(fakes).exit_code is Exit.PENDING
