"""From the facts of a node to what is done on it: kinds of files, losses, what blocks."""

from __future__ import annotations

import ast
import inspect
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from containerd.decide import ACCEPTABLE, NO_CONSENT, Consent, NodePlan, plan_node
from containerd.diagnose import daemon_findings
from containerd.model import (
    CriHealth,
    Daemon,
    FileSet,
    Generation,
    Headroom,
    NodeFacts,
    Policy,
    Proxies,
    Refused,
    Space,
    Strategy,
    Transaction,
)
from containerd.model.headroom import Inotify
from templates import render_hosts_toml
from tests.unit.containerd.samples import CONFIG, OLD, PRESENT, ROOT, TABLE, version

PROJECT = Path(__file__).resolve().parents[3]
DROP_IN = "/etc/containerd/conf.d/a.toml"
WILDCARD = f'[{OLD}.registry.mirrors."*"]\n  endpoint = ["https://old"]\n'
LOST = f'[{OLD}.registry.configs."old".tls]\n  insecure_skip_verify = true\n'
HALF = f'[{OLD}.registry.configs."r.example".tls]\n  cert_file = "/c"\n'


ENOUGH = Headroom(Inotify(10, 128), (Space("/etc/containerd", "/", 1 << 30, 1 << 16),))


def facts(texts: dict[str, str]) -> NodeFacts:
    daemon: dict[str, Any] = dict.fromkeys(inspect.signature(Daemon).parameters, False)
    daemon |= {
        "version": version("1.7.24"),
        "running": version("1.7.24"),
        "version_line": "",
        "binary": "",
        "ctr": "",
        "socket": "",
        "kill_mode": "process",
    }
    cri = CriHealth("ok", "")
    return NodeFacts(Daemon(**daemon), FileSet(CONFIG, texts), {}, cri, restart_pending=False, headroom=ENOUGH)


def planned(texts: dict[str, str], *accepted: str, strategy: Strategy = Strategy.CONFIG_PATH) -> NodePlan:
    policy = Policy(strategy, TABLE)
    return plan_node(facts(texts), Generation.V1_7, policy, render_hosts_toml, Consent(frozenset(accepted)))


def test_the_files_in_their_order_and_kinds() -> None:
    texts = {CONFIG: f"version = 2\nimports = ['{DROP_IN}']\n{WILDCARD}", DROP_IN: WILDCARD}
    plan = planned(texts)
    assert [(file.kind, file.path) for file in plan.files] == [
        ("hosts", f"{ROOT}/docker.io/hosts.toml"),
        ("hosts", f"{ROOT}/ghcr.io/hosts.toml"),
        ("config", DROP_IN),
        ("config", CONFIG),
    ]
    assert plan.restart
    assert [file.before for file in plan.files] == [None, None, texts[DROP_IN], texts[CONFIG]]


def test_a_drop_in_alone_needs_a_restart() -> None:
    plan = planned({**PRESENT, CONFIG: f"version = 2\nimports = ['{DROP_IN}']\n", DROP_IN: WILDCARD})
    assert [file.kind for file in plan.files] == ["config"]
    assert plan.restart


def test_hosts_files_alone_need_none() -> None:
    plan = planned({CONFIG: f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"})
    assert {file.kind for file in plan.files} == {"hosts"}
    assert not plan.restart


@pytest.mark.parametrize(
    ("accepted", "flags"),
    [
        ((), ("--accept-loss tls-host-not-contacted", "--accept-loss tls-pair-incomplete")),
        (("tls-pair-incomplete",), ("--accept-loss tls-host-not-contacted",)),
        (("another",), ("--accept-loss tls-host-not-contacted", "--accept-loss tls-pair-incomplete")),
    ],
)
def test_a_loss_blocks_until_it_is_accepted(accepted: tuple[str, ...], flags: tuple[str, ...]) -> None:
    texts = {**PRESENT, CONFIG: f"version = 2\n{WILDCARD}{LOST}{HALF}"}
    with pytest.raises(Refused, match="a setting would be lost: ") as raised:
        planned(texts, *accepted)
    assert re.findall("To go on without it: (--accept-loss [a-z-]+)", str(raised.value)) == list(flags)
    assert "\n" not in str(raised.value)
    plan = planned(texts, "tls-host-not-contacted", "tls-pair-incomplete")
    assert [file.path for file in plan.files] == [CONFIG]
    assert {loss.code for loss in plan.decision.losses} == {"tls-host-not-contacted", "tls-pair-incomplete"}


@pytest.mark.parametrize("strategy", [Strategy.SKIP, Strategy.MIRRORS])
def test_nothing_is_lost_where_tls_stays(strategy: Strategy) -> None:
    assert planned({CONFIG: f"version = 2\n{WILDCARD}{LOST}"}, strategy=strategy).decision.losses == ()


WANTED = {CONFIG: f"version = 2\n{WILDCARD}"}
DONE = {**PRESENT, CONFIG: f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"}
HOSTS_ONLY = {CONFIG: DONE[CONFIG]}


def refusal(node: NodeFacts) -> str:
    with pytest.raises(Refused) as raised:
        plan_node(node, Generation.V1_7, Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("kill_mode", ["control-group", "mixed", "none", ""])
def test_a_restart_that_would_kill_containers_is_refused(kill_mode: str) -> None:
    def node(texts: dict[str, str]) -> NodeFacts:
        read = facts(texts)
        return replace(read, daemon=replace(read.daemon, kill_mode=kill_mode))

    assert f"KillMode of containerd.service is {kill_mode or 'unknown'}" in refusal(node(WANTED))
    for texts in (DONE, HOSTS_ONLY):  # no restart
        plan_node(node(texts), Generation.V1_7, Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml)


def test_a_node_without_room_is_refused_where_something_is_to_be_done() -> None:
    full = Headroom(spaces=(Space("/etc/containerd", "/", 0, None),))
    assert "/etc/containerd is on /, which has 0 KiB free" in refusal(replace(facts(WANTED), headroom=full))
    done = replace(facts(DONE), headroom=full)
    plan = plan_node(done, Generation.V1_7, Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml)
    assert not plan.acts


@pytest.mark.parametrize("state", ["armed", "swapping", "restarting", "verifying", "rolling_back"])
def test_an_unfinished_transaction_is_named_with_its_owner(state: str) -> None:
    transaction = Transaction("20261124T100000Z-abcd", state, "ops@bastion", "2026-11-24T10:00:00Z")
    assert refusal(replace(facts(WANTED), transaction=transaction)) == (
        "run 20261124T100000Z-abcd of ops@bastion, since 2026-11-24T10:00:00Z, is at work on this node or "
        f"did not finish ({state}); see: python main.py status; settle it with: python main.py finish"
    )


@pytest.mark.parametrize("state", ["staged", "confirmed", "rolled_back", "none"])
def test_another_state_of_the_last_transaction_is_no_obstacle(state: str) -> None:
    node = replace(facts(WANTED), transaction=Transaction("20261124T100000Z-abcd", state, "", ""))
    assert plan_node(node, Generation.V1_7, Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml).acts


def test_an_unknown_release_needs_the_operators_word() -> None:
    read = facts(WANTED)
    unknown = replace(read.daemon, version=version("1.8.2"), running=version("1.8.2"))
    node, policy = replace(read, daemon=unknown), Policy(Strategy.CONFIG_PATH, TABLE)
    assert refusal(node).startswith("containerd 1.8.2 is not known: it is taken for 1.7, the newest known before it; ")
    consent = Consent(frozenset({"unknown-release"}))
    assert plan_node(node, Generation.V1_7, policy, render_hosts_toml, consent).acts


def test_a_refusal_says_what_audit_finds() -> None:
    read = facts(WANTED)
    cri = CriHealth("error", "io.containerd.grpc.v1 cri: error")
    node = replace(read, cri=cri, daemon=replace(read.daemon, needs_daemon_reload=True))
    blocking = [finding for finding in daemon_findings(node) if finding.blocks]
    assert [finding.code for finding in blocking] == ["daemon-reload", "cri-not-ok"]
    assert refusal(node) == ". Also: ".join(f"{finding.message}; {finding.fix}" for finding in blocking)


BOUND = ("docker.service", "kubelet.service")
MOVES = {**PRESENT, CONFIG: f"version = 2\n{WILDCARD}"}


def plan_of(known: NodeFacts, consent: Consent = NO_CONSENT, strategy: Strategy = Strategy.CONFIG_PATH) -> NodePlan:
    return plan_node(known, Generation.V1_7, Policy(strategy, TABLE), render_hosts_toml, consent)


def test_a_unit_that_restarts_with_containerd_is_refused_until_it_is_permitted() -> None:
    known = replace(facts(MOVES), bound=BOUND)
    with pytest.raises(Refused, match=r"docker.service is bound to containerd.service .*--allow-restart-of docker"):
        plan_of(known)
    with pytest.raises(Refused, match="is bound to containerd"):
        plan_of(known, Consent(frozenset({"bound-unit"}), restarts=frozenset({"other.service"})))
    permitted = plan_of(known, Consent(restarts=frozenset({"docker.service"})))
    assert [it.where for it in permitted.decision.findings if it.code == "bound-unit"] == ["docker.service"]


def test_kubelet_needs_no_permission_and_without_a_restart_nobody_does() -> None:
    assert plan_of(replace(facts(MOVES), bound=("kubelet.service",))).restart
    hosts = facts({CONFIG: f"version = 2\n[{OLD}.registry]\nconfig_path = '{ROOT}'\n"})
    assert not plan_of(replace(hosts, bound=BOUND)).restart
    assert not plan_of(replace(facts(MOVES), bound=BOUND), strategy=Strategy.SKIP).acts


def test_caches_behind_a_proxy_of_the_daemon_are_refused() -> None:
    proxied = replace(facts(MOVES), proxies=Proxies("http://proxy:3128"))
    with pytest.raises(Refused, match=r"asks http://10.0.20.10:5000 through the proxy http://proxy:3128; add"):
        plan_of(proxied)
    assert plan_of(replace(proxied, proxies=Proxies("http://proxy:3128", "", "10.0.0.0/8"))).acts
    assert not plan_of(proxied, strategy=Strategy.SKIP).acts


@pytest.mark.parametrize("character", ["\t", "\n", "\r", "\x1b"])
def test_a_path_with_a_control_character_is_refused(character: str) -> None:
    drop_in = f"/etc/containerd/conf.d/a{character}.toml"
    imported = facts({CONFIG: f"version = 2\nimports = [{json.dumps(drop_in)}]\n", drop_in: WILDCARD})
    with pytest.raises(Refused, match=r"control character; rename it there first") as raised:
        plan_of(imported)
    assert character not in str(raised.value)
    real = replace(facts(MOVES), real_paths={CONFIG: f"/etc/con{character}fig.toml"})
    with pytest.raises(Refused, match="control character"):
        plan_of(real)


def codes(node: NodeFacts, consent: Consent = NO_CONSENT, strategy: Strategy = Strategy.CONFIG_PATH) -> set[str]:
    """The codes of everything that blocks a rollout of a node."""
    with pytest.raises(Refused) as raised:
        plan_node(node, Generation.V1_7, Policy(strategy, TABLE), render_hosts_toml, consent)
    found = raised.value.as_findings("")
    assert all(finding.blocks and finding.where and finding.fix for finding in found)
    assert str(raised.value) == ". Also: ".join(f"{finding.message}; {finding.fix}" for finding in found)
    return {finding.code for finding in found}


RUNNING = Transaction("20261124T100000Z-abcd", "armed", "ops", "2026-11-24T10:00:00Z")


def test_everything_that_blocks_is_said_at_once() -> None:
    read = facts({CONFIG: f"version = 2\n[{OLD}.registry]\nconfig_path = 'certs.d'\nMirrors = {{}}\n"})
    node = replace(read, transaction=RUNNING, daemon=replace(read.daemon, needs_daemon_reload=True))
    assert codes(node) == {
        "unfinished-run",
        "daemon-reload",
        "config-path-not-absolute",
        "spelled-in-another-case",
    }


def test_losses_and_the_node_s_own_troubles_are_said_together() -> None:
    read = facts({**PRESENT, CONFIG: f"version = 2\n{WILDCARD}{LOST}{HALF}"})
    full = Headroom(spaces=(Space("/etc/containerd", "/", 0, None),))
    node = replace(read, headroom=full, daemon=replace(read.daemon, kill_mode="mixed"))
    assert codes(node) == {"tls-host-not-contacted", "tls-pair-incomplete", "kill-mode", "no-space"}


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("version = 2\n[", "not-toml"),
        ("version = 3\n", "version-not-read"),
        (f"version = 2\n[{OLD}.registry]\nconfig_path = 'certs.d'\n", "config-path-not-absolute"),
        ("version = 2\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n", "cri-disabled"),
    ],
)
def test_no_word_of_the_operator_permits_what_cannot_work(config: str, code: str) -> None:
    node = replace(facts({CONFIG: config}), transaction=RUNNING)
    assert {code, "unfinished-run"} <= codes(node, Consent(frozenset({code, "unfinished-run"})))


def test_a_finding_about_the_daemon_is_permitted_by_its_code() -> None:
    read = facts(WANTED)
    node = replace(read, daemon=replace(read.daemon, needs_daemon_reload=True))
    consent = Consent(frozenset({"daemon-reload"}))
    assert plan_node(node, Generation.V1_7, Policy(Strategy.CONFIG_PATH, TABLE), render_hosts_toml, consent).acts


def test_every_code_that_can_be_accepted_is_one_that_something_has() -> None:
    sources = "".join(
        path.read_text() for path in sorted((PROJECT / "containerd").rglob("*.py")) if path.name != "plan.py"
    )
    assert [code for code in ACCEPTABLE if f'"{code}"' not in sources] == []


def _first_words(path: Path, *names: str) -> set[str]:
    """Return the codes that calls of ``names`` in a file are given literally."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    called = ((getattr(it.func, "attr", getattr(it.func, "id", "")), it.args) for it in calls)
    firsts = (args[0] for name, args in called if name in names and args)
    return {str(it.value) for it in firsts if isinstance(it, ast.Constant)}


def test_every_loss_can_be_accepted() -> None:
    losses = {
        code for path in (PROJECT / "containerd/hosts").glob("*.py") for code in _first_words(path, "loss", "_lost")
    }
    assert losses
    assert losses <= set(ACCEPTABLE)


def test_every_finding_of_the_daemon_that_blocks_can_be_accepted_but_those_with_an_option_of_their_own() -> None:
    source = ast.parse((PROJECT / "containerd/diagnose/daemon.py").read_text())
    calls = [it for it in ast.walk(source) if isinstance(it, ast.Call) and getattr(it.func, "id", "") == "Finding"]
    blocking = [it.args[0] for it in calls if any(keyword.arg == "blocks" for keyword in it.keywords)]
    codes = {str(it.value) for it in blocking if isinstance(it, ast.Constant)}
    assert {"cri-not-ok", "version-change"} <= codes
    assert codes - {"bound-unit"} <= set(ACCEPTABLE)
