"""A node is read in one call, and asked again only for what that call left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from containerd.model import Refused
from fleet.report import Exit
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tasks.errors import NodeNotReady
from tasks.inspect import read_facts
from tests.fakes.fleet import FakeFleet, build, outcomes
from tests.fakes.node import CERTS, CONFIG, ScriptedNode, emit
from tests.unit.containerd.samples import OLD

NODE = "worker-1"
SPEC = f"[{OLD}.containerd.runtimes.runc]\n  base_runtime_spec = '/etc/spec.json'\n"


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    return build(tmp_path, {NODE: "1.7"})


def read(fakes: FakeFleet) -> Any:
    return read_facts(fakes.fleet.inventory.hosts[NODE])


def questions(node: ScriptedNode) -> list[tuple[str, ...]]:
    return [call.args for call in node.called("facts")]


def test_a_standard_node_is_read_in_one_call(fakes: FakeFleet) -> None:
    fakes[NODE].write(f"{CERTS}/ghcr.io/hosts.toml", b'server = "https://ghcr.io"\n')
    facts = read(fakes)
    assert questions(fakes[NODE]) == [()]
    assert set(facts.files.texts) == {CONFIG, f"{CERTS}/ghcr.io/hosts.toml"}
    assert (facts.cri.state, facts.restart_pending) == ("ok", False)


CONFIGS: Mapping[str, tuple[str, list[tuple[str, ...]]]] = {
    "an import": ("imports = ['conf.d/*.toml']\n", [("--read", "/etc/containerd/conf.d/*.toml")]),
    "another root": (f"[{OLD}.registry]\n  config_path = '/opt/certs/'\n", [("--root", "/opt/certs")]),
    "files that are named": (SPEC, [("--present", "/etc/spec.json")]),
    "another socket": ("[grpc]\n  address = '/run/c.sock'\n", [("--socket", "/run/c.sock")]),
    "other directories": ("root = '/data'\nstate = '/run/c'\n", [("--space", "/data", "--space", "/run/c")]),
    "several": (f"root = '/data'\n{SPEC}", [("--present", "/etc/spec.json", "--space", "/data")]),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_only_what_is_missing_is_asked_for(fakes: FakeFleet, case: str) -> None:
    config, asked = CONFIGS[case]
    fakes[NODE].write(CONFIG, f"version = 2\n{config}".encode())
    read(fakes)
    assert questions(fakes[NODE]) == [(), *asked]


def test_imports_come_before_what_follows_from_them(fakes: FakeFleet) -> None:
    node = fakes[NODE]
    node.write(CONFIG, b"version = 2\nroot = '/data'\nimports = ['a.toml']\n")
    node.write("/etc/containerd/a.toml", f"[{OLD}.registry]\n  config_path = '/opt/certs'\n".encode())
    node.write("/opt/certs/ghcr.io/hosts.toml", b"")
    facts = read(fakes)
    rest = ("--root", "/opt/certs", "--space", "/data")
    assert questions(node) == [(), ("--read", "/etc/containerd/a.toml"), rest]
    assert set(facts.files.texts) == {CONFIG, "/etc/containerd/a.toml", "/opt/certs/ghcr.io/hosts.toml"}


def test_what_the_node_has_found_by_itself_is_not_asked_for(fakes: FakeFleet) -> None:
    node = fakes[NODE]
    node.write(CONFIG, b"version = 2\nimports = ['a.toml']\n")
    found = {"patterns": "/etc/containerd/a.toml\n", "file:/etc/containerd/a.toml": "", "file:/etc/stray.toml": "x"}
    node.when("facts", times=1, answer=lambda call: node.do_facts(call) + emit(found))
    assert set(read(fakes).files.texts) == {CONFIG, "/etc/containerd/a.toml"}
    assert questions(node) == [()]


def test_a_stray_file_that_is_newer_than_the_daemon_is_no_pending_restart(fakes: FakeFleet) -> None:
    node = fakes[NODE]
    found = {"file:/etc/stray.toml": "", "changed:/etc/stray.toml": "9999999999"}
    node.when("facts", answer=lambda call: node.do_facts(call) + emit(found))
    assert not read(fakes).restart_pending
    node.when("facts", answer=lambda call: node.do_facts(call) + emit({"config_changed": "9999999999"}))
    assert read(fakes).restart_pending


@pytest.mark.parametrize("character", ["\\t", "\\n", "\\u001b"])
def test_an_import_with_a_control_character_is_refused(fakes: FakeFleet, character: str) -> None:
    fakes[NODE].write(CONFIG, f'version = 2\nimports = ["/etc/a{character}b.toml"]\n'.encode())
    with pytest.raises(NodeNotReady, match="has a tab, a newline or another control character") as raised:
        read(fakes)
    assert str(raised.value).isprintable()


def test_a_file_with_such_a_name_that_a_pattern_finds_is_refused(fakes: FakeFleet) -> None:
    fakes[NODE].when("facts", answer=lambda call: fakes[NODE].do_facts(call) + emit({"odd_path": "/etc/a\tb.toml"}))
    with pytest.raises(NodeNotReady, match=r"imports '/etc/a\\tb.toml', whose name has a tab"):
        read(fakes)


@pytest.mark.parametrize(
    ("limit", "words"),
    [("depth", "more than 32 deep"), ("size", "too many or too large"), ("directories", "see config_path in")],
)
def test_a_node_that_gave_up_reading(fakes: FakeFleet, limit: str, words: str) -> None:
    fakes[NODE].when("facts", answer=lambda call: fakes[NODE].do_facts(call) + emit({"limit": limit}))
    with pytest.raises(NodeNotReady, match=words):
        read(fakes)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("masked", "containerd.service is masked here, .* run systemctl unmask containerd"),
        ("not-found", "there is no containerd.service here"),
        ("bad-setting", "systemd cannot load containerd.service"),
    ],
)
def test_a_unit_that_cannot_be_restarted(fakes: FakeFleet, state: str, words: str) -> None:
    fakes[NODE].load_state = state
    with pytest.raises(NodeNotReady, match=words):
        read(fakes)
    assert len(questions(fakes[NODE])) == 1


def test_a_distribution_is_named_ahead_of_its_missing_unit(fakes: FakeFleet) -> None:
    node = fakes[NODE]
    node.load_state = "not-found"
    node.when("facts", answer=lambda call: node.do_facts(call) + emit({"distributions": "/var/lib/rancher/k3s\n"}))
    with pytest.raises(Refused, match="k3s owns"):
        read(fakes)


def test_a_mount_namespace_of_the_daemon(fakes: FakeFleet) -> None:
    node = fakes[NODE]
    node.when("facts", answer=lambda call: node.do_facts(call) + emit({"namespace": "own", "elsewhere": f"{CONFIG}\n"}))
    outcome, reason, _ = rollout(fakes)
    assert outcome == "failed"
    assert f"containerd reads {CONFIG} in a mount namespace of its own" in reason
    node.when("facts", answer=lambda call: node.do_facts(call) + emit({"namespace": "own, and nsenter cannot"}))
    with pytest.raises(NodeNotReady, match="nsenter"):
        read(fakes)
    node.when("facts", answer=lambda call: node.do_facts(call) + emit({"namespace": "own"}))
    assert rollout(fakes)[0] == "migrated"


def rollout(fakes: FakeFleet, **options: Any) -> tuple[str, str, Exit]:
    chosen = RolloutOptions(settle_seconds=0, without_gate=True, **options)
    report = Rollout(fakes.fleet, [NODE], chosen, fakes.screen).carry_out()
    return outcomes(report)[NODE], " ".join((report.nodes[NODE].reason, *report.nodes[NODE].details)), report.exit_code


def test_a_unit_bound_to_containerd_is_named_and_needs_permission(fakes: FakeFleet) -> None:
    fakes[NODE].bound = {"docker.service": "active", "kubelet.service": "active", "old.service": "inactive"}
    outcome, reason, code = rollout(fakes)
    assert (outcome, code) == ("failed", Exit.FAILED)
    assert "--allow-restart-of docker.service" in reason
    assert fakes[NODE].state == "none"
    outcome, reason, _ = rollout(fakes, allow_restart_of=frozenset({"docker.service"}))
    assert outcome == "migrated"
    assert "docker.service is bound to containerd.service" in reason
    assert "kubelet" not in reason
    assert "old.service" not in reason


def test_a_daemon_with_a_proxy_needs_the_caches_in_no_proxy(fakes: FakeFleet) -> None:
    fakes[NODE].environment = "HTTP_PROXY=http://op:hunter2@proxy:3128\n"
    outcome, reason, _ = rollout(fakes)
    assert outcome == "failed"
    assert "through the proxy" in reason
    assert "NO_PROXY" in reason
    assert "hunter2" not in reason
    fakes[NODE].environment += "NO_PROXY=192.0.2.0/24\n"
    assert rollout(fakes)[0] == "migrated"
