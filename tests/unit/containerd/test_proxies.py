"""Which requests go through a proxy: each row as Go's httpproxy answers it."""

from __future__ import annotations

import pytest

from containerd.diagnose import proxy_findings
from containerd.model import Proxies

HTTP, HTTPS = "http://p:3128", "http://q:3129"
CACHE = "http://10.0.20.10:5000"
NAMED = "http://cache.example.com:5000"
SIX = "http://[fd00::10]:5000"

# What NO_PROXY says, a URL, and whether a request goes straight to it.
ROWS = [
    ("", CACHE, False),
    ("*", CACHE, True),
    ("foo,*,bar", NAMED, True),
    ("*.*", NAMED, False),
    ("10.0.20.10", CACHE, True),
    (" 10.0.20.10 , foo", CACHE, True),
    ("10.0.20.11", CACHE, False),
    ("10.0.20.10:5000", CACHE, True),
    ("10.0.20.10:5001", CACHE, False),
    ("10.0.20.10:80", "http://10.0.20.10", True),
    ("10.0.20.10:443", "https://10.0.20.10", True),
    ("10.0.20.0/24", CACHE, True),
    ("10.0.20.10/24", CACHE, True),
    ("10.0.21.0/24", CACHE, False),
    ("10.0.20.0/33", CACHE, False),
    ("10.0.20.0/255.255.255.0", CACHE, False),
    ("10.0.20.0/24", NAMED, False),
    ("10.0.20", CACHE, False),
    ("10.0.20.*", CACHE, False),
    ("example.com", NAMED, True),
    ("EXAMPLE.com", NAMED, True),
    ("example.com", "http://CACHE.Example.com:5000", True),
    (".example.com", NAMED, True),
    ("*.example.com", NAMED, True),
    ("*example.com", NAMED, False),
    ("xample.com", NAMED, False),
    ("cache.example.com", NAMED, True),
    (".cache.example.com", NAMED, False),
    ("*.cache.example.com", NAMED, False),
    ("cache.example.com:5000", NAMED, True),
    (".example.com:5000", NAMED, True),
    ("cache.example.com:80", NAMED, False),
    ("com", NAMED, True),
    ("cache", NAMED, False),
    ("cache", "http://cache:5000", True),
    (":5000", NAMED, False),
    ("example.com.", NAMED, False),
    ("fd00::10", SIX, True),
    ("fd00::/8", SIX, True),
    ("[fd00::10]", SIX, False),
    ("[fd00::10]:5000", SIX, True),
    ("[fd00::10]:5001", SIX, False),
    ("10.0.20.10", "http://[::ffff:10.0.20.10]:5000", True),
    ("", "http://localhost:5000", True),
    ("", "http://127.0.0.1:5000", True),
    ("", "http://127.8.0.1", True),
    ("", "http://[::1]:5000", True),
    ("", "http://localhost.:5000", False),
]


@pytest.mark.parametrize(("no_proxy", "url", "direct"), ROWS)
def test_what_no_proxy_says(no_proxy: str, url: str, direct: bool) -> None:
    proxies = Proxies(HTTP, HTTPS, no_proxy)
    assert proxies.proxy_for(url) == ("" if direct else HTTPS if url.startswith("https") else HTTP)


def test_each_scheme_has_a_proxy_of_its_own() -> None:
    assert Proxies(http=HTTP).proxy_for("https://10.0.20.10") == ""
    assert Proxies(https=HTTPS).proxy_for(CACHE) == ""


@pytest.mark.parametrize(
    ("environment", "proxies"),
    [
        ("", Proxies()),
        ("PATH=/bin\nHTTP_PROXY=a\nhttp_proxy=b\nno_proxy=c=d\n", Proxies("a", "", "c=d")),
        ("HTTP_PROXY=\nhttp_proxy=b\nHTTPS_PROXY=e\nNO_PROXY=f", Proxies("b", "e", "f")),
        ("Http_Proxy=a\nALL_PROXY=b", Proxies()),
    ],
)
def test_the_environment_of_a_daemon(environment: str, proxies: Proxies) -> None:
    assert Proxies.of_environment(environment) == proxies


def test_a_finding_for_each_server_with_the_password_masked() -> None:
    proxies = Proxies("http://user:hunter2@proxy:3128", "", "10.0.20.11")
    urls = [CACHE, "http://10.0.20.10:5010", "http://10.0.20.11:5000"]
    [finding] = proxy_findings(proxies, urls)
    assert (finding.code, finding.blocks) == ("cache-through-proxy", True)
    assert CACHE in finding.message
    assert "proxy:3128" in finding.message
    assert "hunter2" not in finding.message
    assert "add 10.0.20.10 to NO_PROXY" in finding.fix
