"""From a pull and the caches' logs to a verdict, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caches.proof import mark
from caches.requests import Request
from common import parse_reference
from containerd.model import Registry
from runbooks.proofs import Cache, Proof, Verdict, proof_of
from tasks.pull import Pulled
from tasks.try_pulls import Try
from tests.unit.containerd.samples import CONFIG
from tests.unit.containerd.test_plan import facts

NODE, URL = "198.18.20.22", "http://198.18.20.10:5010"
REGISTRY = Registry("ghcr.io", "https://ghcr.io", (URL,))
IMAGE = parse_reference("ghcr.io/lab/tiny:1")
FACTS = facts({CONFIG: "version = 2\n"})
LOOK = f'{CONFIG} has neither config_path nor mirrors."ghcr.io" in effect'
GHCR = Cache("vm", "registry-ghcr", "ghcr.io")
QUAY = Cache("vm", "registry-quay", "quay.io")
SECOND = Cache("vm2", "registry-ghcr", "ghcr.io")
ONE = Try(REGISTRY, IMAGE, mark("a", "worker-2", "1f"), {URL: 200}, Pulled(0.2))
HERE = replace(ONE, pulled=Pulled(0.1, here=True))
UNASKED = replace(ONE, answers={}, unasked="sshd there forwards nothing; there is no bash either")


def request(path: str, status: int = 200, method: str = "GET", client: str = NODE) -> Request:
    return Request(client, method, path, status)


MARK = request(ONE.mark)
HEAD = request("/v2/lab/tiny/manifests/1?ns=ghcr.io", method="HEAD")
BLOB = request("/v2/lab/tiny/blobs/sha256:00?ns=ghcr.io")
REFUSED = replace(BLOB, status=500)
ABSENT = replace(HEAD, status=404)
NEIGHBOUR = request(mark("a", "worker-3", "3f"))
STRANGER = replace(NEIGHBOUR, client="198.18.20.23")


def proof(one: Try, *caches: Cache) -> Proof:
    return proof_of(FACTS, one, caches)


def verdict(one: Try, *caches: Cache) -> tuple[Verdict, str]:
    found = proof(one, *caches)
    return found.verdict, found.reason


def had(cache: Cache, *requests: Request) -> Cache:
    return replace(cache, requests=requests)


@pytest.mark.parametrize(
    ("one", "caches", "reason"),
    [
        (ONE, (had(GHCR, MARK, HEAD, BLOB), QUAY), "through registry-ghcr on vm"),
        (ONE, (had(GHCR, MARK), had(SECOND, MARK, HEAD, BLOB)), "through registry-ghcr on vm2"),
        (ONE, (had(GHCR, STRANGER, MARK, HEAD, BLOB),), "through registry-ghcr on vm"),
        (ONE, (replace(GHCR, unread="gone"), had(SECOND, MARK, HEAD, BLOB)), "through registry-ghcr on vm2"),
        (HERE, (had(GHCR, MARK, HEAD, BLOB),), "through registry-ghcr on vm"),
        (HERE, (had(GHCR, MARK, HEAD),), "asked registry-ghcr on vm; its content was here already"),
    ],
)
def test_proven(one: Try, caches: tuple[Cache, ...], reason: str) -> None:
    assert verdict(one, *caches) == (Verdict.PROVEN, reason)


@pytest.mark.parametrize(
    ("one", "caches", "reason"),
    [
        (ONE, (had(GHCR, MARK), QUAY), f"it did not come through the cache: registry-ghcr on vm was not asked; {LOOK}"),
        (ONE, (had(GHCR, MARK, HEAD),), f"registry-ghcr on vm was asked what 1 is, and gave no content of it; {LOOK}"),
        (ONE, (had(GHCR, MARK, BLOB),), f"registry-ghcr on vm gave content, and was not asked what 1 is; {LOOK}"),
        (HERE, (had(GHCR, MARK, BLOB),), f"registry-ghcr on vm gave content, and was not asked what 1 is; {LOOK}"),
        (
            ONE,
            (had(GHCR, MARK), had(QUAY, request(mark("a", "worker-2", "2f")), HEAD)),
            f"it asked registry-quay on vm, which is another registry's; {LOOK}",
        ),
        (
            ONE,
            (had(GHCR, MARK, HEAD, REFUSED), QUAY),
            "registry-ghcr on vm answered 500 to GET blobs/sha256:00, and it came from elsewhere: "
            "see docker logs there",
        ),
        (
            replace(ONE, answers={URL: None}),
            (GHCR, QUAY),
            f"it did not come through the cache: {URL} does not answer this node",
        ),
        (
            replace(ONE, answers={URL: 503}),
            (had(GHCR, MARK), QUAY),
            f"it did not come through the cache: {URL} answers this node with status 503",
        ),
        (ONE, (GHCR, QUAY), f"what answers at {URL} is not registry-ghcr on vm: its log has no request of this run"),
        # Nobody has asked in its name: the neighbour behind the same address went past as well.
        (
            ONE,
            (had(GHCR, MARK, NEIGHBOUR),),
            f"it did not come through the cache: registry-ghcr on vm was not asked; {LOOK}",
        ),
    ],
)
def test_past_the_cache(one: Try, caches: tuple[Cache, ...], reason: str) -> None:
    assert verdict(one, *caches) == (Verdict.PAST, reason)


@pytest.mark.parametrize(
    ("one", "caches", "reason"),
    [
        (
            ONE,
            (replace(GHCR, unread="No such container"),),
            "its log cannot be read: registry-ghcr on vm: No such container",
        ),
        (
            ONE,
            (had(GHCR, MARK, NEIGHBOUR, HEAD, BLOB),),
            "registry-ghcr on vm sees worker-2 and worker-3 under one address; verify them one at a time with --host",
        ),
        (
            UNASKED,
            (had(GHCR, HEAD, BLOB),),
            "its requests cannot be told from those of others: sshd there forwards nothing; there is no bash either",
        ),
    ],
)
def test_unproven(one: Try, caches: tuple[Cache, ...], reason: str) -> None:
    assert verdict(one, *caches) == (Verdict.UNPROVEN, reason)


def test_a_pull_that_failed() -> None:
    one = replace(ONE, pulled=Pulled(0.1, "not found"), answers={URL: None})
    assert verdict(one, had(GHCR, MARK, HEAD)) == (Verdict.FAILED, f"not found; {URL} does not answer this node")


def test_a_configuration_that_is_broken_by_now() -> None:
    """The pull is right all the same: containerd runs on what it was started with."""
    broken = facts({CONFIG: "version = [\n"})
    assert proof_of(broken, ONE, [had(GHCR, MARK, HEAD, BLOB)]).verdict is Verdict.PROVEN
    assert proof_of(broken, ONE, [had(GHCR, MARK)]).reason.endswith(
        f"; {CONFIG} is not TOML: invalid value near line 2"
    )


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ((MARK, HEAD, REFUSED), True),
        ((MARK, HEAD, REFUSED, replace(HEAD, status=503)), True),
        ((MARK, HEAD, REFUSED, BLOB), False),
        ((MARK, ABSENT), False),
        ((MARK, HEAD, REFUSED, ABSENT), False),
        ((MARK,), False),
    ],
)
def test_whether_another_pull_may_pass(log: tuple[Request, ...], expected: bool) -> None:
    assert proof(ONE, had(GHCR, *log)).may_pass == expected
    assert proof(replace(ONE, pulled=Pulled(1, "500")), had(GHCR, *log)).may_pass == expected


def test_what_is_left_by_a_pull_stays_told_when_there_is_another() -> None:
    first = replace(ONE, pulled=Pulled(0.1, left="a", kept="k"), fallback=Pulled(0.3))
    again = first.again(replace(ONE, mark=mark("a", "worker-2", "2f"), pulled=Pulled(0.2, left="b")))
    assert again == replace(first, mark=mark("a", "worker-2", "2f"), pulled=Pulled(0.2, left="a; b", kept="k"))


def test_what_makes_a_proof_unwell() -> None:
    log = had(GHCR, MARK, HEAD, BLOB)
    assert proof(ONE, log).well
    assert proof(replace(ONE, fallback=Pulled(0.1)), log).well
    assert not proof(replace(ONE, fallback=Pulled(0.1, "no")), log).well
    assert not proof(replace(ONE, pulled=Pulled(0.1, left="a namespace")), log).well
    told = proof(replace(HERE, fallback=Pulled(0.1, "no")), log).as_dict()
    assert (told["verdict"], told["here"], told["fallback"]) == ("proven", True, {"seconds": 0.1, "error": "no"})
