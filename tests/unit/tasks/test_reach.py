"""The knock on a node's SSH port, on this machine's own loopback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fleet.errors import Unreachable
from fleet.results import cause
from fleet.session import nornir_for
from fleet.stop import Stop
from tasks.reach import reach
from tests.fakes.fleet import FakeFleet, build


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    fakes = build(tmp_path, {"node": "1.7"})
    fakes.fleet.inventory.hosts["node"].hostname = "127.0.0.1"
    return fakes


def knock(fakes: FakeFleet) -> BaseException | None:
    return cause(nornir_for(fakes.fleet, ["node"], [], Stop()).run(reach)["node"])


def test_a_port_that_is_open_and_one_that_is_closed(fakes: FakeFleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        fakes["node"].door = server.getsockname()
        assert knock(fakes) is None
    error = knock(fakes)
    assert isinstance(error, Unreachable)
    assert "nothing answers on 127.0.0.1" in str(error)


def test_behind_a_bastion_nothing_is_tried(fakes: FakeFleet) -> None:
    fakes["node"].door = None
    assert knock(fakes) is None


def test_an_address_that_is_not_of_ipv4_is_left_to_ssh(fakes: FakeFleet) -> None:
    fakes["node"].door = ("::1", 1)
    assert knock(fakes) is None


def test_a_name_that_does_not_resolve(fakes: FakeFleet) -> None:
    fakes["node"].door = ("no such host", 22)
    assert "does not resolve" in str(knock(fakes))
