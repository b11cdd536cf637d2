"""What is read below certs.d: hosts.toml files, the names of certificates, and whether named files are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from containerd.decide import plan_node
from containerd.model import Generation, Refused
from tasks.inspect import read_facts
from templates import render_hosts_toml
from tests.fakes.fleet import FakeFleet, build
from tests.fakes.node import CONFIG

NODE = "worker-1"
CERTS = "/etc/containerd/certs.d"
ON_PATH = f'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "{CERTS}"\n'


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    fakes = build(tmp_path, {NODE: "1.7"})
    fakes[NODE].files[CONFIG] = ON_PATH.encode()
    return fakes


def test_the_names_of_certificates_are_read_and_never_their_contents(fakes: FakeFleet) -> None:
    names = (f"{CERTS}/ghcr.io/ca.crt", f"{CERTS}/r.lan:5000/c.cert", f"{CERTS}/r.lan:5000/c.key")
    fakes[NODE].files |= dict.fromkeys(names, b"secret")
    facts = read_facts(fakes.fleet.inventory.hosts[NODE])
    assert set(names) <= facts.files.present
    assert not set(names) & set(facts.files.texts)
    plan = plan_node(facts, Generation.V1_7, fakes.fleet.policy(NODE), render_hosts_toml)
    assert f'ca = "{names[0]}"' in plan.decision.files[f"{CERTS}/ghcr.io/hosts.toml"]


def test_a_node_is_asked_for_what_its_hosts_toml_files_name(fakes: FakeFleet) -> None:
    node = fakes[NODE]
    node.files[f"{CERTS}/r.lan/hosts.toml"] = b'ca = "/etc/lab.crt"\n[host]\n'
    host, policy = fakes.fleet.inventory.hosts[NODE], fakes.fleet.policy(NODE)
    with pytest.raises(Refused, match=r"names /etc/lab\.crt, which is not there: every pull by that server fails"):
        plan_node(read_facts(host), Generation.V1_7, policy, render_hosts_toml)
    node.files["/etc/lab.crt"] = b""
    assert plan_node(read_facts(host), Generation.V1_7, policy, render_hosts_toml).acts
