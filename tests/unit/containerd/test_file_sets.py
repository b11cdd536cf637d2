"""What holds for every set of files on every version: configurations in pieces, over a main file and drop-ins."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.config import load_sources
from containerd.loader import predict
from containerd.model import ContainerdError, Decision, Strategy
from tests.unit.containerd.samples import CONFIG, NEW, OLD, PRESENT, ROOT, TABLE, decided, fileset, version

RUNS = ["1.5.18", "1.6.20", "1.7.24", "2.0.11", "2.1.9", "2.2.0", "2.2.7", "2.3.4"]
SHORT = "plugins.cri"
NAMES = ["*", "docker.io", "quay.io", "h.example"]
DROP_INS = ["/etc/containerd/conf.d/10-a.toml", "/etc/containerd/conf.d/99-nvidia.toml"]


@st.composite
def pieces(draw: st.DrawFn, table: str) -> list[str]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    mirrors = [
        f'[{table}.registry.mirrors."{name}"]\n  endpoint = ["https://e-{len(name)}.example"]\n' for name in names
    ]
    others = [
        f"[{table}]\n  max_container_log_line_size = 1\n",
        f'[{table}.registry.configs."h.example".auth]\n  username = "u"\n',
        f'[{table}.registry.configs."h.example".tls]\n  insecure_skip_verify = true\n',
        f"[{table}.registry]\n  config_path = '{draw(st.sampled_from(['', ROOT, '/srv/certs.d', '/a:/b']))}'\n",
        "[debug]\n  level = 'info'\n",
        "# a note\n",
    ]
    return mirrors + draw(st.lists(st.sampled_from(others), unique=True, max_size=3))


@st.composite
def files(draw: st.DrawFn) -> dict[str, str]:
    """A main file that imports up to two drop-ins, mostly of one version and one plugin id."""
    number = draw(st.sampled_from([None, 2, 2, 2, 3, 3]))
    table = {None: SHORT, 2: OLD, 3: NEW}[number]
    found = {}
    for path in [CONFIG, *draw(st.lists(st.sampled_from(DROP_INS), unique=True))]:
        own = draw(st.sampled_from([number] * 5 + [None, 2, 3]))
        head = f"version = {own}\n" if own else ""
        head += "imports = ['conf.d/*.toml']\n" if path == CONFIG else ""
        tables = draw(st.lists(st.sampled_from([table] * 5 + [OLD, NEW]), min_size=1, max_size=2, unique=True))
        body = [piece for each in tables for piece in draw(pieces(each))]
        found[path] = head + "".join(draw(st.permutations(body)))
    return found


def decided_or_refused(
    main: str, runs: str, strategy: Strategy, others: dict[str, str] | None = None
) -> Decision | str:
    """The decision, or why there is none."""
    try:
        return decided(main, runs, strategy, others)
    except ContainerdError as error:
        return str(error)


def strategies() -> st.SearchStrategy[Strategy]:
    return st.sampled_from([Strategy.CONFIG_PATH, Strategy.MIRRORS])


@settings(max_examples=600, deadline=None)
@given(files(), st.sampled_from(RUNS), strategies())
def test_the_daemon_does_what_was_planned_or_nothing_is_changed(
    before: dict[str, str], runs: str, strategy: Strategy
) -> None:
    others = {**PRESENT, **before}
    main = others.pop(CONFIG)
    decision = decided_or_refused(main, runs, strategy, others)
    if isinstance(decision, str):
        assert "internal error" not in decision
        return
    after = {**PRESENT, **before, **decision.files}
    sources = load_sources(fileset(after[CONFIG], after), version(runs))
    if strategy is Strategy.CONFIG_PATH:
        assert (sources.mirrors, sources.config_path) == ({}, decision.config_path)
        assert sources.version.major >= 2 or not sources.tls
    else:
        assert sources.config_path == ""
        assert "*" not in sources.mirrors
        assert {registry.name: registry.endpoints for registry in TABLE}.items() <= sources.mirrors.items()
    assert predict(fileset(main, others), version(runs)).cri in {"ok", "error"}
    assert predict(fileset(after[CONFIG], after), version(runs)).cri == "ok"
    again = decided(after.pop(CONFIG), runs, strategy, after)
    assert not again.changed
    assert again.losses == ()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"version = 2\n", b"[plugins]\n"])), st.sampled_from(RUNS))
def test_bytes_are_decided_or_refused(content: list[bytes], runs: str) -> None:
    text = b"".join(content).decode(errors="surrogateescape")
    for strategy in Strategy:
        assert "\n" not in str(decided_or_refused(text, runs, strategy))
