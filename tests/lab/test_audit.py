"""What an audit says of real nodes."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.nodes import CONFIG, REGISTRIES, Inventory, LabNode, Ran, canary, fleet, rollout

Fresh = Callable[..., list[LabNode]]
ALL = ("k8s-master", "worker-1", "worker-2", "worker-3", "worker-4", "worker-5")
SECRETS = """
[plugins."io.containerd.grpc.v1.cri".registry.configs."198.18.20.10:5000".auth]
  username = "puller"
  password = "hunter2-and-more"
"""


def audit(*words: str) -> Ran:
    return fleet("audit", "--json", *words)


def codes(ran: Ran, name: str) -> set[str]:
    return {finding["code"] for finding in ran.json["nodes"][name]["findings"]}


def test_a_fleet_on_the_wildcard_and_the_same_fleet_afterwards(fresh: Fresh) -> None:
    *nodes, _ = fresh(*ALL, "registry-vm")
    before = [(node.snapshot(), node.pid) for node in nodes]

    ran = audit()

    assert ran.exit == 5
    assert ran.outcomes == {"k8s-master": "skipped", "worker-1": "skipped"} | dict.fromkeys(ALL[2:], "planned")
    for name in ALL:
        told = ran.json["nodes"][name]
        assert told["registry"]["mirrors"] == {"*": ["http://198.18.20.10:5000"]}
        assert list(told["registry"]["places"]) == ['mirrors."*"']
        assert told["registry"]["places"]['mirrors."*"'].startswith(f"{CONFIG}:")
        assert told["cri"]["now"]["state"] == told["cri"]["predicted"]["cri"] == "ok"
        assert "wildcard-mirror" in codes(ran, name)
        # Nothing is deployed on the lab's cache host.
        assert set(told["caches"].values()) == {"no answer"}
        assert len(told["drift"]) == (0 if told["group"] == "1.6" else len(REGISTRIES))
    assert ran.json["sums"]["outcomes"] == {"skipped": 2, "planned": 4}
    assert [(node.snapshot(), node.pid) for node in nodes] == before
    assert all(node.transactions() == [] for node in nodes)

    assert rollout("--group", "workers").exit == 0
    done = audit("--group", "workers")
    # A node that is skipped has its wildcard still: a warning, and nothing for a rollout to do.
    assert done.exit == 0
    assert done.outcomes == {"worker-1": "skipped"} | dict.fromkeys(ALL[2:], "unchanged")
    assert done.json["nodes"]["worker-4"]["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert done.json["nodes"]["worker-4"]["drift"] == []


def test_secrets_never_appear(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    node.write(CONFIG, node.config + SECRETS)
    node.restart()
    for ran in (audit("--limit", "worker-2"), fleet("audit", "--limit", "worker-2")):
        assert "hunter2" not in ran.stdout + ran.stderr
        assert "puller" not in ran.stdout + ran.stderr
    assert audit("--limit", "worker-2").json["nodes"]["worker-2"]["registry"]["auth"] == ["198.18.20.10:5000"]


def test_what_a_node_has_and_what_it_would_come_up_with(fresh: Fresh) -> None:
    """The daemon runs on the old file; the new one would keep CRI from loading at the next restart."""
    [node] = fresh("worker-4")
    registry = '[plugins."io.containerd.grpc.v1.cri".registry]'
    node.write(CONFIG, node.config.replace(registry, f'{registry}\n      config_path = "/etc/containerd/certs.d"'))
    ran = audit("--limit", "worker-4")
    assert ran.exit == 5
    cri = ran.json["nodes"]["worker-4"]["cri"]
    assert (cri["now"]["state"], cri["predicted"]["cri"]) == ("ok", "error")
    assert "`mirrors` cannot be set when `config_path` is provided" in cri["predicted"]["reason"]
    node.write(CONFIG, "[plugins\n")
    assert audit("--limit", "worker-4").json["nodes"]["worker-4"]["cri"]["predicted"]["cri"] == "dead"


def test_what_a_restart_would_bring(fresh: Fresh) -> None:
    [node] = fresh("worker-2")
    node.sh("cp /usr/bin/containerd /usr/bin/new && mv /usr/bin/new /usr/bin/containerd")
    node.sh(f"echo '# edited' >>{CONFIG}")
    ran = audit("--limit", "worker-2")
    assert {"version-change", "restart-pending"} <= codes(ran, "worker-2")
    assert "--allow-version-change" in ran.reason("worker-2")


def test_drift_of_one_hosts_toml(fresh: Fresh) -> None:
    [node] = fresh("worker-5")
    assert canary("worker-5").exit == 0
    node.sh("rm /etc/containerd/certs.d/quay.io/hosts.toml")
    ran = audit("--limit", "worker-5")
    assert ran.exit == 5
    assert ran.json["nodes"]["worker-5"]["drift"] == ["/etc/containerd/certs.d/quay.io/hosts.toml"]


def test_a_node_that_cannot_be_reached(fresh: Fresh, inventory: Inventory) -> None:
    fresh("worker-2")
    inventory.replace("hosts.yaml", "198.18.20.22", "198.18.20.99")
    ran = audit("--limit", "worker-2", *inventory.option)
    assert (ran.exit, ran.outcomes) == (4, {"worker-2": "unreachable"})
