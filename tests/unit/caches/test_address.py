"""Whether an address stays: tables of what `ip`, netplan, networkd and ifupdown say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from caches.address import Addressing, address_findings, standing
from common import Severity

ROUTES = '[{"dst":"default","gateway":"10.0.20.1","dev":"eth0"}]'
OTHERS = [
    {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]},
    {"ifname": "docker0", "addr_info": [{"family": "inet", "local": "172.17.0.1", "prefixlen": 16}]},
]
MAC = "52:54:00:aa:00:01"
DHCP = {"dynamic": True, "valid_life_time": 3000}
FOREVER = {"valid_life_time": 4294967295}
NETPLAN_STATIC = "network: {version: 2, ethernets: {eth0: {addresses: [10.0.20.10/24]}}}\n"
NETPLAN_DHCP = "network: {version: 2, ethernets: {eth0: {dhcp4: true}}}\n"
NETPLAN_BOTH = "network: {version: 2, ethernets: {eth0: {dhcp4: true, addresses: [10.0.20.10/24]}}}\n"
NETPLAN_MAC = "network: {ethernets: {id0: {match: {macaddress: '52:54:00:AA:00:01'}, dhcp4: true}}}\n"
NETPLAN_NAMED = "network: {ethernets: {id0: {match: {macaddress: x}, set-name: eth0, dhcp4: true}}}\n"
NETPLAN_OTHER = "network: {ethernets: {eth1: {dhcp4: true}}}\n"
NETPLAN_PINNED = "network: {ethernets: {eth0: {dhcp4: false, addresses: [10.0.20.10/24: {lifetime: 0}]}}}\n"
NETWORKD_STATIC = "[Match]\nName=eth0\n[Network]\nAddress=10.0.20.10/24\n"
NETWORKD_DHCP = "[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n"
NETWORKD_GLOB = "[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n"
NETWORKD_MAC = "[Match]\nMACAddress=52:54:00:AA:00:01\n[Network]\nDHCP=yes\n"
IFUPDOWN = "auto eth0\niface eth0 inet {}\n"
PLAN, UNIT, OLD = "/etc/netplan/50-cloud-init.yaml", "/etc/systemd/network/eth0.network", "/etc/network/interfaces"
PINNED, FIRST, RUN = (
    "/etc/netplan/99-static.yaml",
    "/etc/systemd/network/05-a.network",
    "/run/systemd/network/10-b.network",
)
CASES: dict[str, tuple[dict[str, Any] | None, dict[str, str], str]] = {
    "static, and netplan says so": (FOREVER, {PLAN: NETPLAN_STATIC}, "static"),
    "static, and networkd says so": (FOREVER, {UNIT: NETWORKD_STATIC}, "static"),
    "static, and ifupdown says so": (FOREVER, {OLD: IFUPDOWN.format("static")}, "static"),
    "static, and nothing says so": (FOREVER, {}, "static, unconfirmed"),
    "static, and another link has DHCP": (FOREVER, {PLAN: NETPLAN_OTHER}, "static, unconfirmed"),
    "a lease": (DHCP, {PLAN: NETPLAN_DHCP}, "dhcp"),
    "a lease, and nothing says so": (DHCP, {}, "dhcp"),
    "a lease for ever, without the key": ({"valid_life_time": 3000}, {}, "dhcp"),
    "static until the next boot": (FOREVER, {PLAN: NETPLAN_DHCP}, "dhcp and static"),
    "static until the next boot, by MAC": (FOREVER, {PLAN: NETPLAN_MAC}, "dhcp and static"),
    "static until the next boot, by another name": (FOREVER, {PLAN: NETPLAN_NAMED}, "dhcp and static"),
    "static until the next boot, by a pattern": (FOREVER, {UNIT: NETWORKD_GLOB}, "dhcp and static"),
    "static until the next boot, by networkd and MAC": (FOREVER, {UNIT: NETWORKD_MAC}, "dhcp and static"),
    "pinned by a later file of netplan's": (FOREVER, {PINNED: NETPLAN_PINNED, PLAN: NETPLAN_DHCP}, "static"),
    "no longer pinned by a later one": (DHCP, {PINNED: NETPLAN_DHCP, PLAN: NETPLAN_STATIC}, "dhcp and static"),
    "pinned by networkd's first file": (FOREVER, {RUN: NETWORKD_DHCP, FIRST: NETWORKD_STATIC}, "static"),
    "a lease until the next boot": (DHCP, {UNIT: NETWORKD_STATIC}, "dhcp and static"),
    "both at once": (FOREVER, {PLAN: NETPLAN_BOTH}, "dhcp and static"),
    "networkd with DHCP": (DHCP, {UNIT: NETWORKD_DHCP}, "dhcp"),
    "ifupdown with DHCP": (DHCP, {OLD: IFUPDOWN.format("dhcp")}, "dhcp"),
    "not there": (None, {PLAN: NETPLAN_STATIC}, "missing"),
    "files that nobody can read": (FOREVER, {PLAN: "network: [", UNIT: "?", OLD: "?"}, "static, unconfirmed"),
    "a file of another shape": (FOREVER, {PLAN: "- 1\n"}, "static, unconfirmed"),
    "one with a number": (FOREVER, {PLAN: "network: {ethernets: {eth0: {addresses: 5}}}"}, "static, unconfirmed"),
    "one with nothing": (
        FOREVER,
        {PLAN: "network: {ethernets: {eth0: {addresses: [{}, null]}}}"},
        "static, unconfirmed",
    ),
}


def told(entry: dict[str, Any] | None, files: dict[str, str]) -> Addressing:
    own = {
        "ifname": "eth0",
        "address": MAC,
        "addr_info": [{"family": "inet", "local": "10.0.20.10", "prefixlen": 25} | (entry or {})],
    }
    return Addressing(json.dumps([*OTHERS, *([own] if entry is not None else [])]), ROUTES, files)


@pytest.mark.parametrize("case", CASES)
def test_how_an_address_stands(case: str) -> None:
    entry, files, word = CASES[case]
    addressing = told(entry, files)
    found = standing("10.0.20.10", addressing)
    assert found.word == word
    findings = address_findings(found, addressing, allow_dhcp=False)
    if word.startswith("static"):
        assert not findings
    else:
        prefix = 24 if word == "missing" else 25
        assert findings[0].severity is Severity.ERROR
        assert f'ipconfig0 = "ip=10.0.20.10/{prefix},gw=10.0.20.1"' in findings[0].fix


def test_a_reserved_lease_may_be_allowed_but_nothing_else() -> None:
    lease, nothing, both = told(DHCP, {}), told(None, {}), told(DHCP, {PLAN: NETPLAN_BOTH})
    severities = [
        address_findings(standing("10.0.20.10", it), it, allow_dhcp=True)[0].severity for it in (lease, nothing, both)
    ]
    assert severities == [Severity.NOTE, Severity.ERROR, Severity.ERROR]


def test_without_a_default_route_there_is_a_place_for_the_gateway() -> None:
    nothing = Addressing(told(None, {}).addresses, "", {})
    assert ",gw=GATEWAY" in address_findings(standing("10.0.20.10", nothing), nothing, allow_dhcp=False)[0].fix


@pytest.mark.parametrize("answer", ["", "nonsense", "{}", "[1]"])
def test_a_machine_that_does_not_say(answer: str) -> None:
    addressing = Addressing(answer, answer, {})
    found = standing("10.0.20.10", addressing)
    assert found.word == "unknown"
    [finding] = address_findings(found, addressing, allow_dhcp=True)
    assert (finding.severity, finding.code) == (Severity.ERROR, "address-unknown")


@pytest.mark.parametrize("address", ["fd00::10", "registry.lan", ""])
def test_what_is_no_ipv4_address_is_not_judged(address: str) -> None:
    addressing = told(FOREVER, {})
    found = standing(address, addressing)
    assert found.word == "not IPv4"
    assert [it.severity for it in address_findings(found, addressing, allow_dhcp=False)] == [Severity.NOTE]
