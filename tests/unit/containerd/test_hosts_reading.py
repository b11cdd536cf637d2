"""A hosts.toml as each version reads it; the lab's real daemons are asked the same table (tests/lab/test_hosts.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.hosts import asked_at, read_hosts
from tests.unit.containerd.hosts_cases import BOTH, CACHE, CASES, HEAD, REGISTRY, host
from tests.unit.containerd.samples import ROOT, version

PATH = f"{ROOT}/{REGISTRY}/hosts.toml"
VERSIONS = {"one": ("1.6.20", "1.7.24", "1.7.31"), "two": ("2.1.9", "2.2.7", "2.3.4")}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("generation", VERSIONS)
def test_what_is_asked_because_of_a_file(name: str, generation: str) -> None:
    case = CASES[name]
    for text in VERSIONS[generation]:
        reading = read_hosts(case.text, PATH, version(text))
        asked = getattr(case, generation)
        assert bool(reading.ignored) is (asked is None), reading.ignored
        assert tuple(each.at for each in reading.asked if each.serves_images) == (asked or ())


@pytest.mark.parametrize(
    ("text", "reads", "not_yet"),
    [
        pytest.param(HEAD, "1.7.32", "1.7.31", id="server alone"),
        pytest.param(
            host(CACHE, 'capabilities = ["pull", "resolve", "referrers"]\n'), "2.2.0", "2.1.9", id="referrers"
        ),
    ],
)
def test_what_came_with_a_release(text: str, reads: str, not_yet: str) -> None:
    assert not read_hosts(text, PATH, version(reads)).ignored
    assert read_hosts(text, PATH, version(not_yet)).ignored


@pytest.mark.parametrize("runs", ["2.0.6", "1.7.34"])
def test_dial_timeout_is_not_looked_at_before_its_release(runs: str) -> None:
    text = host(CACHE, f"{BOTH}dial_timeout = 5\n")
    assert not read_hosts(text, PATH, version(runs)).ignored
    assert read_hosts(text, PATH, version("2.0.7")).ignored


def test_what_a_file_names_and_what_is_passed_over() -> None:
    text = f'{HEAD}ca = ["a.crt", "/b.crt"]\nclient = "c.pem"\n' + host(
        CACHE, f'{BOTH}server = "x"\nca = "../a.crt"\nclient = [["/c", "k"], ["/d", ""]]\n'
    )
    here = f"{ROOT}/{REGISTRY}"
    reading = read_hosts(text, PATH, version("2.1.9"))
    assert reading.named == (f"{ROOT}/a.crt", "/c", f"{here}/k", "/d", f"{here}/a.crt", "/b.crt", f"{here}/c.pem")
    assert reading.misplaced == (CACHE,)
    dotted = f'{HEAD}host."{CACHE}".{BOTH}'
    assert read_hosts(dotted, PATH, version("2.1.9")).skipped == (CACHE,)
    assert read_hosts(dotted, PATH, version("1.7.24")).skipped == ()


@pytest.mark.parametrize("url", ["http://a:1", "http://a:1/", "http://a:1/v2", "http://a:1//v2/", "http://a:1/./v2"])
def test_one_server_in_several_spellings(url: str) -> None:
    assert asked_at(url) == "http://a:1/v2"
    assert asked_at(url.removeprefix("http://")) == "https://a:1/v2"


@given(
    st.text()
    | st.sampled_from([case.text for case in CASES.values()]).flatmap(
        lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=3)).map(
            lambda cut: text[: cut[0]] + cut[1] + text[cut[0] :]
        )
    )
)
def test_no_text_is_too_much(text: str) -> None:
    for runs in ("1.6.20", "2.3.4"):
        reading = read_hosts(text, PATH, version(runs))
        assert not (reading.ignored and (reading.asked or reading.named))
        assert "\n" not in reading.ignored
