"""What of a text may reach a screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.printable import printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, [red]not markup[/red] :warning:", "plain, [red]not markup[/red] :warning:"),
        ("Größe · 漢字 😀", "Größe · 漢字 😀"),
        (r"C:\x1b", r"C:\x1b"),
        ("\x1b[2K\x1b]0;title\x07", r"\x1b[2K\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("\x7f\x08", r"\x7f\x08"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("a\u200bb\ufeffc\u00add", r"a\u200bb\ufeffc\xadd"),
        ("a\u3164b\ufe0fc\u034fd\u2800e\U000e0101f", r"a\u3164b\ufe0fc\u034fd\u2800e\U000e0101f".replace("E", "e")),
        ("one\nworker-9  migrated\r\tx", r"one\nworker-9  migrated\r\tx"),
        ("\u2028\u2029\x85\x0b\x0c", r"\u2028\u2029\x85\x0b\x0c"),
        ("\udc80 \ue000", r"\udc80 \ue000"),
        ("\xa0", r"\xa0"),
    ],
)
def test_a_line(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_end_at_newlines_only_and_keep_their_tabs() -> None:
    assert printable_lines("+a\tb\r\n-c\x85+d\x1b[m\n\n e") == ["+a\tb\\r", "-c\\x85+d\\x1b[m", "", " e"]
    assert printable_lines("") == []
    assert printable_lines("\n") == [""]


@given(st.text())
def test_any_text_is_one_line_that_can_be_seen(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)
    assert printable(shown) == shown
