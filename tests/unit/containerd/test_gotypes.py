from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containerd.loader import is_duration, is_url, lookup, type_mismatch
from containerd.model import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    NANOSECONDS,
    STRING,
    STRINGS,
    UINT32,
    GoType,
    ListOf,
    MapOf,
    Struct,
)
from containerd.model.go_types import STRING_MAP

VALUES: tuple[Any, ...] = ("x", "5s", "0", 1, -1, 1.5, True, ["x"], [1], [], {"a": "x"}, {"a": 1}, {}, [{}])
INNER = Struct("Inner", {"a": STRING})


@pytest.mark.parametrize(
    ("type_", "in_1", "in_2"),
    [
        (STRING, ["x", "5s", "0"], None),
        (INT, [1, -1], None),
        (UINT32, [1], None),
        (BOOL, [True], None),
        (FLOAT, [1.5], [1, -1, 1.5]),
        (DURATION, ["5s", "0"], None),
        (NANOSECONDS, ["5s", "0", 1, -1], None),
        (STRINGS, [["x"], []], None),
        (STRING_MAP, [{"a": "x"}, {}], None),
        (MapOf(ANY), [{"a": "x"}, {"a": 1}, {}], None),
        (INNER, [{"a": "x"}, {}], None),
        (ListOf(INNER), [[{}]], [[], [{}]]),
        (ANY, list(VALUES), None),
    ],
)
def test_what_fits(type_: GoType, in_1: list[Any], in_2: list[Any] | None) -> None:
    for major, fitting in ((1, in_1), (2, in_1 if in_2 is None else in_2)):
        fits = [value for value in VALUES if type_mismatch(type_, value, major) is None]
        assert list(map(repr, fits)) == [repr(value) for value in VALUES if repr(value) in map(repr, fitting)]


def test_what_is_said_names_the_key_and_hides_the_value() -> None:
    type_ = Struct("Outer", {"inner": MapOf(INNER)})
    value = {"inner": {"h:5": {"a": ["hunter2"]}}}
    assert type_mismatch(type_, value, 1) == 'inner."h:5".a: Can\'t convert …([]interface {}) to string'
    assert type_mismatch(type_, value, 2) == 'toml: cannot decode TOML array into inner."h:5".a of type string'
    assert type_mismatch(type_, {"inner": datetime.date(2020, 1, 1)}, 2) == (
        "toml: cannot decode TOML datetime into inner of type map[string]Inner"
    )


@pytest.mark.parametrize(
    ("table", "in_1", "in_2"),
    [
        ({"a_b": 1, "A_B": 2}, 1, 1),
        ({"A_B": 2}, 2, 2),
        ({"A_b": 3}, None, 3),
        ({"other": 4}, None, None),
    ],
)
def test_the_case_of_keys(table: dict[str, int], in_1: int | None, in_2: int | None) -> None:
    assert lookup(table, "a_b", 1) == in_1
    assert lookup(table, "a_b", 2) == in_2


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *((text, True) for text in ("0", "4h0m0s", "1.5h", "-2s", "+.5s", "100ms", "1h30m", "1us", "1µs")),
        *((text, False) for text in ("", "5", "4 hours", "s", ".s", "1d", "1h 2m", "9999999999h", "0x1s", "\u0661s")),
    ],
)
def test_durations(text: str, valid: bool) -> None:
    assert is_duration(text) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *(
            (text, True)
            for text in ("https://a", "http://u:p@a:5000/v2", "registry:5000", "a.b/c:d", "https://[::1]:5", "")
        ),
        *(
            (text, False)
            for text in ("10.0.0.1:5000", "http://a:x", "https://a/%zz", "http://a b", "a\nb", ":5", "http://[a")
        ),
    ],
)
def test_urls(text: str, valid: bool) -> None:
    assert is_url(text) is valid


@given(st.text())
def test_any_text_is_a_duration_and_a_url_or_not(text: str) -> None:
    assert is_duration(text) in {True, False}
    assert is_url(text) in {True, False}
