"""The lines of a registry's log."""

from __future__ import annotations

import pytest

from caches.requests import Request, requests

HEAD = Request("198.18.20.46", "HEAD", "/v2/lab/tiny/manifests/1?ns=ghcr.io", 200)
ACCESS = (
    '198.18.20.46 - - [24/Nov/2026:11:00:00 +0000] "HEAD /v2/lab/tiny/manifests/1?ns=ghcr.io HTTP/1.1" 200 526 "" '
    '"containerd/1.6.20~ds1"'
)
TEXT = (
    'time="2026-11-24T11:00:00.1Z" level=info msg="response completed" go.version=go1.19.8 '
    'http.request.host="198.18.20.10:5010" http.request.id=9e2 http.request.method=HEAD '
    'http.request.remoteaddr="198.18.20.46:43012" http.request.uri="/v2/lab/tiny/manifests/1?ns=ghcr.io" '
    'http.request.useragent="containerd/1.6.20~ds1" http.response.contenttype="application/json" '
    "http.response.duration=3.1ms http.response.status=200 http.response.written=526"
)
JSON = (
    '{"go.version":"go1.22","http.request.host":"198.18.20.10:5010","http.request.method":"HEAD",'
    '"http.request.remoteaddr":"198.18.20.46:43012","http.request.uri":"/v2/lab/tiny/manifests/1?ns=ghcr.io",'
    '"http.response.status":200,"level":"info","msg":"response completed","time":"2026-11-24T11:00:00Z"}'
)
FAILED = (
    'time="2026-11-24T11:00:00.1Z" level=error msg="response completed with error" err.code="manifest unknown" '
    'err.detail="unknown tag=\\"2\\"" http.request.method=GET http.request.remoteaddr="[::ffff:198.18.20.46]:43012" '
    'http.request.uri="/v2/lab/tiny/manifests/2?ns=ghcr.io" http.response.status=404'
)


@pytest.mark.parametrize("line", [ACCESS, TEXT, JSON], ids=["access", "text", "json"])
def test_a_request_in_each_kind_of_line(line: str) -> None:
    [found] = requests(line + "\n")
    assert found == HEAD
    assert (found.ns, found.repository, found.what, found.served) == ("ghcr.io", "lab/tiny", "manifests/1", True)


def test_a_request_that_was_refused() -> None:
    [found] = requests(FAILED)
    assert (found.client, found.method, found.what, found.served) == ("198.18.20.46", "GET", "manifests/2", False)


@pytest.mark.parametrize(
    ("uri", "repository", "what", "ns"),
    [
        ("/v2/", "", "", ""),
        ("/v2/?containerd-fleet=1f", "", "", ""),
        ("/v2/_catalog?n=10", "", "", ""),
        ("/v2/a/b/c/manifests/v1.2", "a/b/c", "manifests/v1.2", ""),
        ("/v2/library/x/blobs/sha256:00ff?ns=docker.io", "library/x", "blobs/sha256:00ff", "docker.io"),
        ("/v2/x/manifests/1?ns=registry.lan%3A5000", "x", "manifests/1", "registry.lan:5000"),
        ("/v2/manifests/blobs/manifests/1?ns=a.io", "manifests/blobs", "manifests/1", "a.io"),
    ],
)
def test_what_is_asked_for(uri: str, repository: str, what: str, ns: str) -> None:
    found = Request("::1", "GET", uri, 200)
    assert (found.repository, found.what, found.ns) == (repository, what, ns)


@pytest.mark.parametrize(
    ("written", "client"),
    [("198.18.20.46", "198.18.20.46"), ("::1", "::1"), ("fe80::1%eth0", "fe80::1"), ("::ffff:10.0.0.1", "10.0.0.1")],
)
def test_addresses(written: str, client: str) -> None:
    [found] = requests(ACCESS.replace("198.18.20.46", written))
    assert found.client == client


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        '{"msg": "response completed"}',
        'time="x" level=info msg="response completed"',
        'time="x" level=info msg="Adding new scheduler entry for lab/tiny@sha256:00 with ttl=167h59m59.9s"',
        'time="x" level=info msg="said response completed" http.response.status=200',
        ACCESS[:40],
    ],
)
def test_lines_that_are_no_request(line: str) -> None:
    assert requests(line) == ()
