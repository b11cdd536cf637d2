"""What is made of the answers of a cache."""

from __future__ import annotations

import pytest

from tasks.caches.verify import seen_of

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"


def catalog(*pages: bytes) -> int | None:
    return seen_of("c", {f"catalog:c:{number}": page for number, page in enumerate(pages)}).catalog


def test_repositories_are_counted_over_all_pages() -> None:
    assert catalog(HEAD + b'{"repositories":[]}\n') == 0
    assert catalog(HEAD + b'{"repositories":["a","b"]}\n', HEAD + b'{"repositories":["c"]}\n') == 3


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"junk",
        HEAD,
        HEAD + b"{",
        HEAD + b"[]",
        HEAD + b"{}",
        HEAD + b'{"repositories":7}',
        HEAD.replace(b"200", b"500"),
    ],
)
def test_a_page_that_does_not_say_is_no_empty_catalog(page: bytes) -> None:
    assert catalog(page) is None
    assert catalog(HEAD + b'{"repositories":["a"]}', page) is None
    assert catalog() is None


def test_what_was_answered() -> None:
    told = {"answer:c": HEAD, "upload:c": b"HTTP/1.0 405 Method Not Allowed\r\n\r\n{}"}
    assert (seen_of("c", told).answer, seen_of("c", told).upload) == (200, 405)
    assert (seen_of("x", told).answer, seen_of("c", {"answer:c": b"SSH-2.0-x y z"}).answer) == (None, None)
