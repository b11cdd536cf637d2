"""What a cache's log proves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caches.proof import Evidence, Sought, evidence, mark, strayed
from caches.requests import Request

NODE, OTHER = "198.18.20.46", "198.18.20.47"
DIGEST, LAYER = "sha256:0a", "sha256:0b"
WANTED = Sought("ghcr.io", "lab/tiny", "1", mark("a", "worker-2", "1f"))


def asked(what: str, status: int = 200, method: str = "GET", client: str = NODE, ns: str = "ghcr.io") -> Request:
    return Request(client, method, f"/v2/lab/tiny/{what}?ns={ns}", status)


def marked(node: str = "worker-2", which: str = "1f", client: str = NODE, run: str = "a") -> Request:
    return Request(client, "GET", mark(run, node, which), 200)


MARK = marked()
HEAD = asked("manifests/1", method="HEAD")
INDEX = asked(f"manifests/{DIGEST}")
BLOB = asked(f"blobs/{LAYER}")
NODES = ("worker-2",)
WHOLE = Evidence(NODES, named=True, gave=True)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ([], Evidence()),
        ([HEAD, INDEX], Evidence()),
        ([MARK], Evidence(NODES)),
        ([MARK, HEAD, INDEX, BLOB], WHOLE),
        # 2.x tells each request twice.
        ([MARK, MARK, HEAD, HEAD, INDEX, INDEX], WHOLE),
        ([MARK, HEAD, asked(f"blobs/{LAYER}", 206), asked("blobs/sha256:01", 307)], WHOLE),
        ([MARK, asked("manifests/1"), BLOB], WHOLE),
        # Somebody else's, of another registry, of another repository, and from before the pull.
        ([MARK, asked("manifests/1", client=OTHER)], Evidence(NODES)),
        ([MARK, asked("manifests/1", ns="quay.io")], Evidence(NODES)),
        ([MARK, asked("manifests/1", ns="")], Evidence(NODES)),
        ([MARK, Request(NODE, "HEAD", "/v2/lab/tinier/manifests/1?ns=ghcr.io", 200)], Evidence(NODES)),
        ([HEAD, INDEX, MARK], Evidence(NODES)),
        ([MARK, asked("manifests/1", method="PUT")], Evidence(NODES)),
        # Only its name was asked for here, or only its content.
        ([MARK, HEAD], Evidence(NODES, named=True)),
        ([MARK, INDEX, BLOB], Evidence(NODES, gave=True)),
        # Another tag of the same repository, be it there or not.
        ([MARK, asked("manifests/2", method="HEAD"), BLOB], Evidence(NODES, gave=True)),
        ([MARK, HEAD, INDEX, asked("manifests/none", 404, "HEAD")], WHOLE),
        # The node's next pull, which is of the same repository.
        ([MARK, HEAD, INDEX, marked(which="2f"), asked("blobs/sha256:0c", 404)], WHOLE),
        ([MARK, marked(which="2f"), HEAD, INDEX], Evidence(NODES)),
        # What the cache refuses comes from elsewhere.
        ([MARK, asked("manifests/1", 404)], Evidence(NODES, refused=("404 to GET manifests/1",))),
        (
            [MARK, HEAD, INDEX, asked(f"blobs/{LAYER}", 500)],
            Evidence(NODES, named=True, gave=True, refused=(f"500 to GET blobs/{LAYER}",)),
        ),
        ([MARK, HEAD, INDEX, asked(f"blobs/{LAYER}", 500), BLOB], WHOLE),
        (
            [MARK, HEAD, BLOB, asked(f"blobs/{LAYER}", 500)],
            Evidence(NODES, named=True, gave=True, refused=(f"500 to GET blobs/{LAYER}",)),
        ),
        # A HEAD says nothing of the GET; a GET says all of the HEAD.
        (
            [MARK, HEAD, BLOB, asked(f"manifests/{DIGEST}", method="HEAD"), asked(f"manifests/{DIGEST}", 500)],
            Evidence(NODES, named=True, gave=True, refused=(f"500 to GET manifests/{DIGEST}",)),
        ),
        ([MARK, asked("manifests/1", 404, "HEAD"), asked("manifests/1"), BLOB], WHOLE),
        # A login is no refusal, and no proof.
        ([MARK, asked("manifests/1", 401, "HEAD"), HEAD, asked(f"blobs/{LAYER}", 401), BLOB], WHOLE),
        ([MARK, asked("manifests/1", 401, "HEAD")], Evidence(NODES)),
    ],
)
def test_logs(log: list[Request], expected: Evidence) -> None:
    assert evidence(log, WANTED) == expected


def test_an_image_by_its_digest() -> None:
    wanted = Sought("ghcr.io", "lab/tiny", DIGEST, WANTED.mark)
    head = asked(f"manifests/{DIGEST}", method="HEAD")
    assert evidence([MARK, head, INDEX, BLOB], wanted) == WHOLE
    assert not evidence([MARK, head, asked(f"manifests/{DIGEST}", 500)], wanted).proves(here=False)


@pytest.mark.parametrize(
    ("found", "absent", "here"),
    [
        (WHOLE, True, True),
        (Evidence(NODES, named=True), False, True),
        (Evidence(NODES, gave=True), False, False),
        (Evidence(NODES, named=True, gave=True, refused=("500 to GET blobs/sha256:0b",)), False, False),
        (Evidence(NODES), False, False),
    ],
)
def test_what_proves_a_pull_of_content_that_was_absent_or_here(found: Evidence, absent: bool, here: bool) -> None:
    assert (found.proves(here=False), found.proves(here=True)) == (absent, here)
    assert found.asked == (found != Evidence(NODES))


def test_nodes_behind_one_address() -> None:
    """Which of the two has asked cannot be told, in whatever order they come."""
    other = marked("worker 3", "3f")
    for log in ([MARK, other, HEAD, INDEX], [other, MARK, HEAD, INDEX], [MARK, HEAD, INDEX, other]):
        found = evidence(log, WANTED)
        assert (set(found.nodes), found.asked) == ({"worker-2", "worker 3"}, True)
    assert evidence([MARK, marked("worker-3", client=OTHER), HEAD, INDEX], WANTED) == WHOLE
    # Of another run, which is over or another controller's.
    assert evidence([marked("worker-3", run="b"), MARK, HEAD, INDEX], WANTED) == WHOLE


def test_an_address_that_only_the_cache_knows() -> None:
    translated = [Request("10.9.9.9", it.method, it.uri, it.status) for it in (MARK, HEAD, INDEX)]
    assert evidence(translated, WANTED) == WHOLE


def test_a_pull_that_strayed_to_another_registrys_cache() -> None:
    """The node is known there by the mark of another pull."""
    own = marked(which="9f")
    assert strayed([own, HEAD], WANTED)
    assert strayed([HEAD, own], WANTED)
    assert not strayed([HEAD], WANTED)
    assert not strayed([own, asked("manifests/1", ns="quay.io")], WANTED)
    assert not strayed([marked("worker-3", client=OTHER), HEAD], WANTED)


LINES = st.builds(
    asked,
    st.sampled_from(["manifests/1", "manifests/2", f"manifests/{DIGEST}", f"blobs/{LAYER}"]),
    st.sampled_from([200, 307, 401, 404, 500]),
    st.sampled_from(["HEAD", "GET"]),
    st.sampled_from([NODE, OTHER]),
)


@given(st.lists(LINES), st.lists(LINES))
def test_any_log(before: list[Request], after: list[Request]) -> None:
    """What came before the mark does not count, nor what others ask, nor whether a request is told twice."""
    found = evidence([*before, MARK, *after], WANTED)
    assert found == evidence([MARK, *(it for it in after if it.client == NODE)], WANTED)
    assert found == evidence([line for it in (MARK, *after) for line in (it, it)], WANTED)
    assert found.proves(here=True) or not found.proves(here=False)


@given(st.text(min_size=1), st.text("0123456789abcdef", min_size=1))
def test_any_name_of_a_node(node: str, token: str) -> None:
    line = marked(node, token)
    assert evidence([line], Sought("ghcr.io", "lab/tiny", "1", line.uri)).nodes == (node,)
