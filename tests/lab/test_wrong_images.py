"""One registry's images from the cache of another: by digest, what sees it, and how a table changes without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lab import control
from lab.images import Image
from tests.lab.caches import CacheHost, UpstreamHost
from tests.lab.deployed import deploy, ids, outcomes, reason, verify
from tests.lab.nodes import Inventory, LabNode, Ran, fleet, rollout

NAMES = ("k8s-master", "worker-1", "worker-2", "worker-3", "worker-4", "worker-5")
CHANGING = ("--group", "workers", "--limit", "worker-2,worker-4")
HOSTS = "/etc/containerd/certs.d"
GHCR_FILE = f"{HOSTS}/ghcr.io/hosts.toml"
GHCR = "    ghcr.io: {upstream: https://ghcr.io, port: 5010, container: registry-ghcr, probe: ghcr.io/lab/tiny:1}\n"
QUAY = "port: 5020, container: registry-quay,"
IMAGES = {name: Image("lab/tiny", "1", f"{name}/lab/tiny:1") for name in ("ghcr.io", "quay.io")}


def test_the_two_images_differ() -> None:
    assert IMAGES["ghcr.io"].digest != IMAGES["quay.io"].digest


@pytest.fixture
def nodes(deployed: CacheHost, fresh: Callable[..., list[LabNode]]) -> Iterator[list[LabNode]]:
    """A node of 1.7 and one of 2.1 that ask the caches, and all others as they are at first; so they are afterwards."""
    assert deployed
    fresh(*NAMES)
    ran = rollout(*CHANGING)
    assert ran.exit == 0, ran.stdout + ran.stderr
    yield [LabNode("worker-2"), LabNode("worker-4")]
    control.reset([*NAMES, "registry-vm"])


def test_from_nothing_a_node_that_is_down_stops_nothing(
    cache_host: CacheHost, upstream: UpstreamHost, fresh: Callable[..., list[LabNode]]
) -> None:
    assert upstream
    down = fresh(*NAMES)[-1]
    down.sh("ip link set host0 down")
    ran = deploy()
    down.sh("ip link set host0 up")
    assert (ran.exit, set(outcomes(ran).values())) == (0, {"deployed"}), ran.stdout
    assert len(ids(cache_host)) == 5
    control.reset([down.name])


def pulled(node: LabNode, registry: str) -> str:
    """The digest of what a node gets as an image of ``registry`` now."""
    image = f"{registry}/lab/tiny:1"
    local = "$(ctr images pull --help | grep -q -- --local && echo --local)"
    node.sh(f"ctr -n wrong images rm --sync {image} >/dev/null 2>&1 || true")
    node.sh(f"ctr -n wrong images pull {local} --hosts-dir {HOSTS} {image}")
    return node.sh(f"ctr -n wrong images ls name=={image} | awk 'NR == 2 {{ print $3 }}'").strip()


def right(nodes: list[LabNode]) -> bool:
    found = {(node.name, name): pulled(node, name) for node in nodes for name in IMAGES}
    return found == {(node.name, name): image.digest for node in nodes for name, image in IMAGES.items()}


def errors(ran: Ran, name: str) -> list[dict[str, str]]:
    found = ran.json["nodes"][name]
    listed = found if isinstance(found, list) else found["findings"]
    return [it for it in listed if it["severity"] == "error"]


def without_ghcr(inventory: Inventory) -> tuple[str, str]:
    inventory.replace("defaults.yaml", GHCR, "")
    return inventory.option


def test_a_row_that_goes_takes_no_port_from_under_a_node(
    nodes: list[LabNode], deployed: CacheHost, inventory: Inventory
) -> None:
    option, before = without_ghcr(inventory), ids(deployed)
    for words in (("--prune",), ("--prune", "--dry-run")):
        ran = deploy(*words, *option)
        assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (1, "failed")
        assert reason(ran, "registry-ghcr").startswith(
            f"it is not removed: worker-2, worker-4 use port 5010 for ghcr.io ({GHCR_FILE}); put ghcr.io back"
        )
    # Nor is it given away.
    inventory.replace("defaults.yaml", QUAY, QUAY.replace("5020", "5010"))
    ran = deploy("--prune", *option)
    assert (ran.exit, outcomes(ran)["registry-quay"]) == (1, "failed")
    assert "port 5010 cannot be given to quay.io: worker-2, worker-4 use port 5010" in reason(ran, "registry-quay")
    assert ids(deployed) == before
    assert right(nodes)

    # Who does not answer may use it.
    nodes[1].sh("systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh")
    nodes[0].sh(f"mv {HOSTS} {HOSTS}.away")
    ran = deploy("--prune", *option)
    assert "worker-4 may use it (nothing answers on" in reason(ran, "registry-ghcr")
    assert ids(deployed) == before
    nodes[0].sh(f"mv {HOSTS}.away {HOSTS}")
    nodes[1].sh("systemctl start ssh")


def test_wrong_images_are_an_error_of_everything_that_looks(nodes: list[LabNode], inventory: Inventory) -> None:
    option = without_ghcr(inventory)
    inventory.replace("defaults.yaml", QUAY, QUAY.replace("5020", "5010"))
    # A deploy that could not know of them.
    for node in nodes:
        node.sh(f"mv {HOSTS} {HOSTS}.away")
    ran = deploy("--prune", *option)
    assert (ran.exit, outcomes(ran)["registry-quay"]) == (0, "deployed"), ran.stdout
    for node in nodes:
        node.sh(f"mv {HOSTS}.away {HOSTS}")
        assert pulled(node, "ghcr.io") == IMAGES["quay.io"].digest

    audited = fleet("audit", *CHANGING, *option, "--json")
    looked = verify(*option)
    assert (audited.exit, looked.exit) == (5, 5)
    message = "http://198.18.20.10:5010 is asked for images of ghcr.io, but it serves those of quay.io"
    for node in nodes:
        for ran in (audited, looked):
            [stale] = [it for it in errors(ran, node.name) if it["code"] == "wrong-cache"]
            assert (stale["message"], stale["where"]) == (message, f"{GHCR_FILE}:3")
            assert stale["fix"].startswith(f"on {node.name}: rm {GHCR_FILE}")
            # What a rollout puts right is said so.
            [moved] = [it for it in errors(ran, node.name) if it["code"] == "no-cache"]
            assert "quay.io" in moved["message"]
            assert moved["fix"].endswith(f"main.py canary {' '.join(option)} --host {node.name}")
    ran = fleet("verify", *CHANGING, *option, "--json")
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "failed", "worker-4": "failed"})
    assert message in ran.reason("worker-2")
    for words in ((), ("--dry-run",)):
        ran = rollout(*CHANGING, *option, *words, gate=True)
        assert ran.exit == 1
        assert [line.startswith(f"{name}: {message} ({GHCR_FILE}:3); on {name}: rm") for name, line in zip(
            ("worker-2", "worker-4"), ran.json["gate"]["refused"], strict=True)] == [True, True]  # fmt: skip
    # Also where a run has nothing else to do.
    assert rollout(*CHANGING, *option).exit == 0
    ran = rollout(*CHANGING, *option, gate=True)
    assert (ran.exit, set(ran.outcomes.values()), len(ran.json["gate"]["refused"])) == (1, {"unchanged"}, 2)

    # The fix, as it is typed.
    for node in nodes:
        node.sh(f"rm {GHCR_FILE}")
    assert right(nodes)
    assert fleet("audit", *CHANGING, *option, "--json").exit == 0
    assert [it["code"] for name in NAMES for it in errors(verify(*option), name)] == []
    assert rollout(*CHANGING, *option, gate=True).exit == 0


def test_one_edit_that_swaps_ports_and_the_sequence_that_works(
    nodes: list[LabNode], deployed: CacheHost, inventory: Inventory
) -> None:
    before, option = ids(deployed), inventory.option
    ghcr = "port: 5010, container: registry-ghcr,"
    inventory.replace("defaults.yaml", ghcr, ghcr.replace("5010", "5050"))
    inventory.replace("defaults.yaml", QUAY, QUAY.replace("5020", "5010"))
    ran = deploy(*option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"], outcomes(ran)["registry-quay"]) == (1, "failed", "failed")
    told = reason(ran, "registry-ghcr")
    assert f"port 5010 cannot be taken from ghcr.io: worker-2, worker-4 use port 5010 for ghcr.io ({GHCR_FILE})" in told
    assert "container: registry-ghcr-5050, port: 5050" in told
    assert "leave quay.io on port 5020" in reason(ran, "registry-quay")
    assert ids(deployed) == before
    assert right(nodes)

    # As it says: beside the old one, quay.io where it is.
    inventory.replace("defaults.yaml", ghcr.replace("5010", "5050"), "container: registry-ghcr-5050, port: 5050,")
    inventory.replace("defaults.yaml", QUAY.replace("5020", "5010"), QUAY)
    replaced(nodes, deployed, option, "registry-ghcr", "registry-ghcr-5050")
    # Now its port is free, and quay.io moves in the same way.
    inventory.replace("defaults.yaml", QUAY, QUAY.replace("5020", "5010"))
    ran = deploy(*option)
    assert (ran.exit, outcomes(ran)["registry-quay"]) == (1, "failed")
    assert "container: registry-quay-5010, port: 5010" in reason(ran, "registry-quay")
    inventory.replace("defaults.yaml", QUAY.replace("5020", "5010"), "container: registry-quay-5010, port: 5010,")
    replaced(nodes, deployed, option, "registry-quay", "registry-quay-5010")
    for node in nodes:
        assert "198.18.20.10:5050" in node.read(GHCR_FILE)
        assert "198.18.20.10:5010" in node.read(f"{HOSTS}/quay.io/hosts.toml")
    assert fleet("audit", *CHANGING, *option, "--json").exit == 0


def replaced(nodes: list[LabNode], host: CacheHost, option: tuple[str, str], old: str, new: str) -> None:
    """Deploy a cache beside its predecessor, move node after node, and remove the predecessor; no image is wrong."""
    ran = deploy(*option)
    assert (ran.exit, outcomes(ran)[new], outcomes(ran)[old]) == (0, "deployed", "left"), ran.stdout
    assert right(nodes)
    assert (deploy("--prune", *option).exit, old in ids(host)) == (1, True)
    for node in nodes:
        ran = rollout("--group", "workers", "--limit", node.name, *option, gate=True)
        assert (ran.exit, ran.outcomes) == (0, {node.name: "migrated"}), ran.stdout
        assert right(nodes)
    ran = deploy("--prune", *option)
    assert (ran.exit, outcomes(ran)[old]) == (0, "removed"), ran.stdout
    assert right(nodes)
