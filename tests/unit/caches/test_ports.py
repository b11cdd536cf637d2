"""The endpoints of a node against the registry table: what is an error, what a warning, and the fix."""

from __future__ import annotations

import pytest

from caches.ports import Ports, canonical, port_findings, ports_of, wrong
from common import Finding, Severity
from containerd.model import FileSet
from tests.unit.caches.samples import spec
from tests.unit.containerd.samples import CONFIG, OLD, ROOT, fileset, version

TABLE = (
    spec("registry", registry="docker.io", upstream="https://registry-1.docker.io", port=5000),
    spec(),
    spec("registry-quay", registry="quay.io", upstream="https://quay.io", port=5020),
    spec("registry-lan", registry="registry.lan:8080", upstream="http://registry.lan:8080", port=5030),
)
PORTS = ports_of(TABLE, {"vm": ("vm", "cache.lan", "198.18.20.10", "fd00::10"), "vm2": ("198.18.20.9",)})
ON_PATH = f'version = 2\n[{OLD}.registry]\nconfig_path = "{ROOT}"\n'


def hosts(directory: str, url: str) -> FileSet:
    return fileset(ON_PATH, {f"{ROOT}/{directory}/hosts.toml": f'[host."{url}"]\n'})


def mirrors(name: str, url: str) -> FileSet:
    return fileset(f'version = 2\n[{OLD}.registry.mirrors."{name}"]\nendpoint = ["{url}"]\n')


def findings(files: FileSet, after: FileSet | None = None, ports: Ports = PORTS, runs: str = "1.7.24") -> list[Finding]:
    return list(port_findings(files, version(runs), ports, "worker-2", after))


def codes(files: FileSet, runs: str = "1.7.24") -> list[str]:
    return [it.code for it in findings(files, runs=runs)]


@pytest.mark.parametrize(
    ("registry", "port"),
    [
        ("docker.io", 5000),
        ("index.docker.io", 5000),
        ("registry-1.docker.io", 5000),
        ("ghcr.io", 5010),
        ("GHCR.io", 5010),
        ("ghcr.io:443", 5010),
        ("registry.lan:8080", 5030),
        # Images are named by the port itself: they are its own.
        ("198.18.20.10:5020", 5020),
    ],
)
def test_a_port_of_the_registry_itself(registry: str, port: int) -> None:
    assert codes(hosts(registry, f"http://198.18.20.10:{port}")) == []
    assert codes(mirrors(registry, f"http://198.18.20.10:{port}")) == []


@pytest.mark.parametrize(
    ("registry", "port", "code"),
    [
        ("ghcr.io", 5020, "wrong-cache"),
        ("gcr.io", 5010, "wrong-cache"),
        ("registry.lan", 5030, "wrong-cache"),
        ("docker.io", 5020, "wrong-cache"),
        ("198.18.20.10:5010", 5020, "wrong-cache"),
        ("ghcr.io", 5011, "no-cache"),
        ("gcr.io", 80, "no-cache"),
        ("*", 5020, "wrong-cache"),
        ("*", 5001, "no-cache"),
    ],
)
def test_a_port_of_another_or_of_none_is_an_error(registry: str, port: int, code: str) -> None:
    for files in (hosts("_default" if registry == "*" else registry, f"http://198.18.20.10:{port}"),
                  mirrors(registry, f"http://198.18.20.10:{port}")):  # fmt: skip
        [found] = findings(files)
        assert (found.code, found.severity) == (code, Severity.ERROR)
        assert wrong([found]) == (found,)


@pytest.mark.parametrize("files", [hosts("_default", "http://vm:5000"), mirrors("*", "http://vm:5000")])
def test_a_wildcard_on_the_cache_of_docker_io_is_a_warning(files: FileSet) -> None:
    [found] = findings(files)
    assert (found.code, found.severity) == ("wildcard-cache", Severity.WARNING)
    assert not wrong([found])


@pytest.mark.parametrize(
    "host", ["vm", "VM", "cache.lan", "cache.lan.", "198.18.20.10", "198.18.20.9", "[fd00::10]", "[fd00:0:0::10]",
             "[::ffff:198.18.20.10]"],
)  # fmt: skip
def test_every_name_and_address_of_every_cache_host(host: str) -> None:
    assert codes(hosts("ghcr.io", f"http://{host}:5020"), "2.1.9") == ["wrong-cache"]
    assert codes(hosts("ghcr.io", f"https://{host}:5020/v2/"), "2.1.9") == ["wrong-cache"]
    assert codes(mirrors("ghcr.io", f"http://{host}:5020")) == ["wrong-cache"]


@pytest.mark.parametrize(
    "url", ["http://198.18.20.11:5020", "http://other:5020", "http://198.18.20.1:5020", "http://["]
)
def test_other_machines_are_no_affair_of_ours(url: str) -> None:
    assert codes(hosts("ghcr.io", url)) == []


def test_cache_hosts_that_share_an_address() -> None:
    shared = ports_of(TABLE, {"vm": ("vm", "10.0.0.1"), "vm2": ("vm2", "10.0.0.1")})
    assert shared.hosts["10.0.0.1"] == ("vm", "vm2")


def test_what_it_says() -> None:
    [found] = findings(hosts("ghcr.io", "http://198.18.20.10:5020"))
    path = f"{ROOT}/ghcr.io/hosts.toml"
    assert found.where == f"{path}:1"
    assert found.message == "http://198.18.20.10:5020 is asked for images of ghcr.io, but it serves those of quay.io"
    assert found.fix == f"on worker-2: change port 5020 to 5010 in {path}"
    [found] = findings(hosts("gcr.io", "http://198.18.20.10:5011"))
    assert found.message.endswith("is asked for images of gcr.io, but no registry of the table has port 5011")
    assert found.fix.startswith(f"on worker-2: rm {ROOT}/gcr.io/hosts.toml ")
    [found] = findings(mirrors("gcr.io", "http://198.18.20.10:5010"))
    assert found.fix == f'on worker-2: take it out of mirrors."gcr.io" in {CONFIG}, then systemctl restart containerd'


def test_what_a_rollout_puts_right_is_said_to_be() -> None:
    before, after = hosts("ghcr.io", "http://198.18.20.10:5020"), hosts("ghcr.io", "http://198.18.20.10:5010")
    assert findings(before, after)[0].fix == "python main.py canary --host worker-2"
    assert findings(before, before)[0].fix.startswith("on worker-2: change port")


def test_an_address_has_one_spelling() -> None:
    assert [canonical(it) for it in ("FD00:0::1", "[fd00::1]", "::ffff:10.0.0.1", "Cache.LAN.")] == [
        "fd00::1",
        "fd00::1",
        "10.0.0.1",
        "cache.lan",
    ]
