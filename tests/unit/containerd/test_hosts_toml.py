from __future__ import annotations

import pytest

from containerd.hosts import HostEntry, HostsToml, from_endpoints, host_dir, is_registry
from containerd.hosts.hosts_toml import upstream_of
from containerd.model import Refused
from tests.unit.containerd.samples import OLD, decided


@pytest.mark.parametrize(
    ("registry", "directory"),
    [
        ("docker.io", "docker.io"),
        ("10.0.0.5:5000", "10.0.0.5_5000_"),
        ("localhost", "localhost"),
        ("[::1]:5000", "[::1]_5000_"),
        ("[::1]", "[::1]"),
    ],
)
def test_directory(registry: str, directory: str) -> None:
    assert host_dir(registry) == directory


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("ghcr.io", True),
        ("GHCR.io", True),
        ("localhost", True),
        ("registry:5000", True),
        ("10.0.0.5:5000", True),
        ("[::1]:5000", True),
        ("registry-1.docker.io", True),
        ("Registry", True),
        ("registry", False),
        ("index.docker.io", False),
        ("https://docker.io", False),
        ("docker.io/library", False),
        ("user@quay.io", False),
        ("my_registry.lan", False),
        ("quay.io:", False),
        ("quay.io:abc", False),
        ("quay.io.", False),
        ("-quay.io", False),
        ("quay..io", False),
        ("fd00::1", False),
        ("_default", False),
        ("*", False),
        ("..", False),
        ("", False),
        ("quay.io\n", False),
    ],
)
def test_what_images_can_be_named_by(name: str, is_one: bool) -> None:
    assert is_registry(name) is is_one


@pytest.mark.parametrize(
    ("registry", "upstream"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("ghcr.io", "https://ghcr.io"),
        ("10.0.0.5:5000", "https://10.0.0.5:5000"),
        ("localhost", None),
        ("localhost:5000", None),
        ("127.0.0.1:5000", None),
        ("[::1]:5000", None),
    ],
)
def test_upstream(registry: str, upstream: str | None) -> None:
    assert upstream_of(registry) == upstream


@pytest.mark.parametrize(
    ("registry", "endpoints", "server", "hosts"),
    [
        ("quay.io", ["http://c:1", "https://d"], "https://quay.io", [HostEntry("http://c:1"), HostEntry("https://d")]),
        ("docker.io", ["http://c:1"], "https://registry-1.docker.io", [HostEntry("http://c:1")]),
        (
            "docker.io",
            ["http://c:1", "https://registry-1.docker.io"],
            "https://registry-1.docker.io",
            [HostEntry("http://c:1")],
        ),
        ("docker.io", ["https://docker.io"], "https://registry-1.docker.io", [HostEntry("https://docker.io")]),
        ("quay.io", ["http://c:1/v2"], "https://quay.io", [HostEntry("http://c:1")]),
        ("quay.io", ["http://c:1/v2/"], "https://quay.io", [HostEntry("http://c:1")]),
        ("quay.io", ["https://c/v2/proxy"], "https://quay.io", [HostEntry("https://c/v2/proxy", override_path=True)]),
        ("quay.io", ["c.example"], "https://quay.io", [HostEntry("https://c.example")]),
        ("quay.io", ["localhost:5000"], "https://quay.io", [HostEntry("http://localhost:5000")]),
        ("quay.io", ["http://c:1", "http://c:1/v2"], "https://quay.io", [HostEntry("http://c:1")]),
        ("10.0.0.5:5000", ["http://10.0.0.5:5000"], "http://10.0.0.5:5000", []),
        ("10.0.0.5:5000", ["http://c:1", "http://10.0.0.5:5000"], "http://10.0.0.5:5000", [HostEntry("http://c:1")]),
        (
            "10.0.0.5:5000",
            ["http://10.0.0.5:5000", "http://c:1"],
            "http://10.0.0.5:5000",
            [HostEntry("http://10.0.0.5:5000"), HostEntry("http://c:1")],
        ),
        ("localhost:5000", ["http://c:1"], None, [HostEntry("http://c:1")]),
    ],
)
def test_an_old_mirror_in_the_new_form(
    registry: str, endpoints: list[str], server: str | None, hosts: list[HostEntry]
) -> None:
    mapped = from_endpoints(registry, endpoints)
    assert mapped.hosts_toml == HostsToml(server, tuple(hosts))
    assert mapped.notes == ()


@pytest.mark.parametrize(
    ("endpoint", "hosts", "note"),
    [
        ("registry.example/google_containers", (), "never worked"),
        ("user:hunter2@registry.example/google_containers", (), "never worked"),
        ("https://c/", (HostEntry("https://c"),), "works from now on"),
        ("https://user:hunter2@c", (HostEntry("https://c"),), "never used by containerd"),
    ],
)
def test_a_difference_is_noted(endpoint: str, hosts: tuple[HostEntry, ...], note: str) -> None:
    mapped = from_endpoints("quay.io", [endpoint])
    assert mapped.hosts_toml.hosts == hosts
    assert note in mapped.notes[0]
    assert "hunter2" not in mapped.notes[0]


@pytest.mark.parametrize("endpoint", ["${CACHE}", "ftp://c", "http://", 'http://c"]', "http://c?x=1", "http://c d", ""])
def test_what_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(Refused, match=r'mirrors\."quay\.io" has an endpoint that is not a plain http\(s\) URL'):
        from_endpoints("quay.io", [endpoint])


def test_a_registry_below_a_path_of_itself() -> None:
    mapped = from_endpoints("quay.io", ["https://c", "https://quay.io/proxy"])
    assert mapped.hosts_toml == HostsToml("https://quay.io/proxy", (HostEntry("https://c"),), override_path=True)


@pytest.mark.parametrize(
    "name", ["https://docker.io", "index.docker.io", "docker.io/library", "registry", "my_reg.lan:5000"]
)
def test_a_mirror_that_no_image_name_reaches_is_removed_and_moves_nowhere(name: str) -> None:
    decision = decided(f'version = 2\n[{OLD}.registry.mirrors."{name}"]\n  endpoint = ["http://a:5000"]\n')
    assert [path for path in decision.files if path.endswith("hosts.toml")] == []
    [mirror] = decision.accounting
    assert (mirror.outcome, mirror.to) == ("removed", "never had an effect: no image is named so")
