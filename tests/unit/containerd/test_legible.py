"""No file is written that its own containerd ignores: the table is refused, a mirror is lost with a word."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.hosts import HostEntry, HostsToml, read_hosts
from containerd.hosts.existing import read_back
from containerd.model import Refused, Registry
from templates import render_hosts_toml
from tests.unit.containerd.samples import CONFIG, DOCKER, GHCR, OLD, PRESENT, ROOT, decided, version

ONE, TWO = ("1.6.20", "1.7.24", "1.7.34"), ("2.0.11", "2.1.9", "2.2.7", "2.3.4")
IPV6 = "http://[fd00::10]:5020"
QUAY = f"{ROOT}/quay.io/hosts.toml"


def mirror(name: str, *endpoints: str) -> str:
    return f'version = 2\n[{OLD}.registry.mirrors."{name}"]\n  endpoint = {list(endpoints)}\n'


@pytest.mark.parametrize("runs", ONE)
def test_a_cache_with_an_ipv6_address_is_refused_on_1x(runs: str) -> None:
    quay = Registry("quay.io", "https://quay.io", (IPV6,))
    with pytest.raises(Refused) as refused:
        decided("version = 2\n", runs, registries=(DOCKER, GHCR, quay))
    for words in (
        "quay.io: ",
        f"containerd {version(runs)} would ignore the whole file",
        f"if {QUAY} were written",
        "data.address in hosts.yaml",
    ):
        assert words in str(refused.value)


@pytest.mark.parametrize("runs", [*ONE, *TWO])
def test_nobody_is_told_to_add_a_host_that_makes_the_file_count_for_nothing(runs: str) -> None:
    quay, there = Registry("quay.io", "https://quay.io", (IPV6,)), {**PRESENT, QUAY: "# by hand\n[host]\n"}
    decision = decided("version = 2\n", runs, others=there, registries=(DOCKER, GHCR, quay))
    [finding] = [it for it in decision.findings if it.code == "foreign-hosts-toml"]
    assert (IPV6 in finding.fix) is (runs in TWO)


@pytest.mark.parametrize("runs", TWO)
def test_a_cache_with_an_ipv6_address_is_fine_on_2x(runs: str) -> None:
    quay = Registry("quay.io", "https://quay.io", (IPV6,))
    assert IPV6 in decided("version = 2\n", runs, registries=(DOCKER, GHCR, quay)).files[QUAY]


@pytest.mark.parametrize("runs", [*ONE, *TWO])
def test_a_mirror_that_this_version_cannot_be_told_is_lost_and_the_others_move(runs: str) -> None:
    decision = decided(mirror("quay.io", IPV6, "http://q"), runs)
    outcomes = [each.outcome for each in decision.accounting]
    kept = [each.at for each in read_hosts(decision.files[QUAY], QUAY, version(runs)).asked]
    if runs in ONE:
        assert [loss.code for loss in decision.losses] == ["mirror-not-legible"]
        assert outcomes == ["lost", "moved"]
        assert kept == ["http://q/v2", "https://quay.io/v2"]
    else:
        assert (decision.losses, outcomes) == ((), ["moved", "moved"])
        assert kept == ["http://[fd00::10]:5020/v2", "http://q/v2", "https://quay.io/v2"]


@pytest.mark.parametrize("runs", [*ONE, *TWO])
def test_a_registry_that_is_an_ipv6_address_is_its_own_server_everywhere(runs: str) -> None:
    inline = f'[{OLD}.registry]\nmirrors = {{"[fd00::10]:5020" = {{endpoint = ["{IPV6}"]}}}}\n'
    decision = decided(f"version = 2\n{inline}", runs)
    assert decision.losses == ()
    [text] = [text for path, text in decision.files.items() if path != CONFIG]
    assert f'server = "{IPV6}"' in text


URLS = st.from_regex(r"https?://([a-z0-9.-]{1,9}|\[[0-9a-f:]{2,9}\])(:[0-9]{1,5})?(/v2/[a-z]{1,3})?", fullmatch=True)


@given(st.lists(URLS, min_size=1, max_size=3), st.sampled_from(["1.5.18", *ONE, *TWO]))
def test_whatever_is_written_is_read(urls: list[str], runs: str) -> None:
    try:
        decision = decided(mirror("quay.io", *urls), runs)
    except Refused:
        return
    reading = read_hosts(decision.files[QUAY], QUAY, version(runs))
    assert not reading.ignored
    assert not reading.skipped
    moved = [each for each in decision.accounting if each.outcome == "moved"]
    assert len({each.at for each in reading.asked}) >= len({each.to for each in moved})


# What releases of this project wrote before TLS, and before dial_timeout, letter for letter.
OLD_FORMS = {
    'server = "https://ghcr.io"\n\n[host."http://10.0.20.9:5010"]\n  capabilities = ["pull", "resolve"]\n': HostsToml(
        "https://ghcr.io", (HostEntry("http://10.0.20.9:5010"),)
    ),
    'server = "https://ghcr.io"\n\n[host."http://[fd00::9]:5010"]\n  capabilities = ["pull", "resolve"]\n'
    '\n[host."https://h/v2/x"]\n  capabilities = ["pull", "resolve"]\n  override_path = true\n': HostsToml(
        "https://ghcr.io", (HostEntry("http://[fd00::9]:5010"), HostEntry("https://h/v2/x", override_path=True))
    ),
    '[host."http://10.0.20.9:5010"]\n  capabilities = ["pull", "resolve"]\n': HostsToml(
        None, (HostEntry("http://10.0.20.9:5010"),)
    ),
    'server = "https://ghcr.io"\n\n[host]\n': HostsToml("https://ghcr.io", ()),
}


@pytest.mark.parametrize(("text", "runs"), list(product(OLD_FORMS, ("1.7.24", "2.1.9"))))
def test_an_old_form_of_ours_is_known_and_replaced_whatever_its_version_makes_of_it(text: str, runs: str) -> None:
    assert read_back(text, render_hosts_toml) == OLD_FORMS[text]
    path = f"{ROOT}/ghcr.io/hosts.toml"
    decision = decided("version = 2\n", runs, others={**PRESENT, path: text})
    assert "http://10.0.20.10:5010" in decision.files[path]
    assert not [finding for finding in decision.findings if finding.code == "foreign-hosts-toml"]
