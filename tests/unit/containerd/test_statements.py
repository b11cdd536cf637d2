from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from containerd.model import NotToml
from containerd.toml import basic_string, parse, quoted, split

MIXED = (
    "# top\r\n"
    "version = 2\n"
    "\n"
    "[plugins.'a.b'.c]  # header\n"
    '\tx . "y z" = [\n'
    "\t\t# inside\n"
    "\t\t1, # one\n"
    "\t]\n"
    'text = """\n'
    "# no comment\n"
    "[no.header]\n"
    '"""\n'
    "[[list]]\n"
    "k = {a = 1}"
)


def test_kinds_paths_and_keys() -> None:
    seen = [(s.kind, s.path, s.keys) for s in split(MIXED)]
    table = ("plugins", "a.b", "c")
    assert seen == [
        ("comment", (), ()),
        ("pair", ("version",), ("version",)),
        ("blank", (), ()),
        ("header", table, ("plugins", "'a.b'", "c")),
        ("pair", (*table, "x", "y z"), ("x", '"y z"')),
        ("pair", (*table, "text"), ("text",)),
        ("array_header", ("list",), ("list",)),
        ("pair", ("list", "k"), ("k",)),
    ]
    assert "".join(s.text for s in split(MIXED)) == MIXED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = 1\n[b\n", "near line 2, column 3"),
        ("a = 1\na = 2\n", "defined twice near line 2"),
        ("[t]\nx = 1\n[t]\ny = 2\n", "defined twice near line 3"),
        ("a = {b = 1, b = 2}\n", "defined twice"),
        ('password = "hunter2" oops\n', "near line 1"),
        ('password = "hunter2\n', "near line 1"),
        ("\ufeffversion = 2\n", "byte order mark"),
        ("a = 1\nb = 2\x00\n", "near line 2"),
        ("a = 1\rb = 2\n", "near line 1"),
        ("a = 1\n\x0c\n", "near line 2"),
        ("{{#if x}}\na = 1\n", "near line 1, column 1"),
        ("a = " + "[" * 3000, "near line 1"),
    ],
)
def test_what_is_not_toml_says_where_and_quotes_nothing(text: str, says: str) -> None:
    for read in (parse, split):
        with pytest.raises(NotToml, match=says) as raised:
            read(text)
        assert "hunter2" not in str(raised.value)
        assert "\n" not in str(raised.value)


@given(
    st.text()
    | st.lists(st.sampled_from(["a", "=", "[", "]", '"', "'", "\n", "\r\n", "#", ".", "{", "}", ",", "1"])).map("".join)
)
@example('a = """\n\n"""\r\n')
@example("a = '''\n#'''\n\n")
@example("[a] # x")
def test_any_text_is_split_without_loss_or_is_not_toml(text: str) -> None:
    try:
        statements = split(text)
    except NotToml:
        return
    assert "".join(s.text for s in statements) == text
    assert all(s.kind in {"comment", "blank"} or s.path for s in statements)


TABLE = 'plugins."io.containerd.grpc.v1.cri".registry'
SECTIONS = [
    "[plugins]\n",
    f"[{TABLE}]\nmax = 1\n",
    f"[{TABLE}.mirrors]\n",
    f'[{TABLE}.mirrors."*"]\n  endpoint = ["a"]\n',
    f'[{TABLE}.mirrors."quay.io"]\n  endpoint = ["b"]\n',
    f"[{TABLE}.configs.h.auth]\n  username = 'u'\n",
    f"[{TABLE}.configs.g.tls]\n",
    '  [plugins."io.containerd.internal.v1.opt"]\n    path = "/opt"\n',
    "[grpc]\n",
    "[[list]]\n  a = 1\n[list.sub]\n",
    "[[list]]\n  a = 2\n",
    "[list.sub.b]\nc = 1\n",
    f"[{TABLE}.mirrors]\nmore = 1",
]


@settings(max_examples=300, deadline=None)
@given(st.permutations(SECTIONS), st.integers(1, len(SECTIONS)))
def test_tables_in_any_order_are_read_as_the_standard_library_reads_them(sections: list[str], count: int) -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
    text = "\n".join(["version = 2", *sections[:count]])
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(NotToml):
            parse(text)
    else:
        assert parse(text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_spelled_string_reads_as_itself(text: str) -> None:
    assert parse(f"{quoted(text)} = {basic_string(text)}\n") == {text: text}


# values whose brackets and quotes are not what they look like
VALUES = [
    '"[" # ]"',
    '"a\\"["',
    "'[\\'",
    '"""m\n"]\n"""',
    '""""q"""""',
    '"""\\\n  [x"""',
    '"""a\\"""[\n"""',
    "'''m\n[#\n''''",
    '["a",\n "]",\n]',
    "[\n#]\n 1,\n]",
    "[[1, 2],\n[3]]",
    '{a = 1, b = "}"}',
]


@given(st.lists(st.sampled_from(VALUES), min_size=1), st.sampled_from(["", "\n", "\r\n", "# [\n"]))
def test_a_statement_ends_where_its_value_does(values: list[str], between: str) -> None:
    pairs = [f"k{number} = {value}\n" for number, value in enumerate(values)]
    kinds = {"": [], "# [\n": ["comment"]}.get(between, ["blank"])
    statements = split(between.join(pairs))
    assert [s.text for s in statements if s.kind == "pair"] == pairs
    assert [s.kind for s in statements if s.kind != "pair"] == kinds * (len(pairs) - 1)


# 100 KB of lines in one statement: what tried the parser at each of them took more than five minutes.
@pytest.mark.timeout(20)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('"""', '"""')])
def test_a_statement_of_many_lines_takes_time_in_proportion_to_them(opening: str, closing: str) -> None:
    lines = '"a",\n' * 20_000
    text = f"a = {opening}\n{lines}{closing}\n"
    assert [s.text for s in split(text)] == [text]
