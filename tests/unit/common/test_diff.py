"""A difference as people and tools read it."""

from __future__ import annotations

import pytest

from common import unified_diff


@pytest.mark.parametrize(
    ("before", "after", "diff"),
    [
        (None, "a = 1\n", "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a = 1\n"),
        ("a = 1\n", None, "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a = 1\n"),
        ("a = 1", "a = 1\n", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a = 1\n\\ No newline at end of file\n+a = 1\n"),
        ("a = 1\r\n", "a = 1\n", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a = 1\r\n+a = 1\n"),
        ("a = 1\n", "a = 1\n", ""),
        (None, None, ""),
    ],
)
def test_the_forms_of_a_difference(before: str | None, after: str | None, diff: str) -> None:
    assert unified_diff("f", before, after) == diff


def test_both_texts_are_masked() -> None:
    shown = unified_diff("/f", "a: 1\npassword: hunter2\n", "a: 2\npassword: hunter3\n")
    assert "hunter" not in shown
    assert "+a: 2\n" in shown
