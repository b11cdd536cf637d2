"""What the inventory may say of caches, and how each mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from caches.spec import CacheSpec, Credentials
from fleet.errors import InventoryError
from fleet.inventory import Fleet, load
from tests.unit.fleet.test_inventory import DEFAULTS, write

GHCR = "container: registry-ghcr}"
COMMON = "      caches: {{{}}}\n"


def fleet(tmp_path: Path, row: str = "", common: str = "") -> Fleet:
    text = DEFAULTS.replace(GHCR, f"container: registry-ghcr, {row}}}") if row else DEFAULTS
    return load(write(tmp_path, defaults=text.rstrip(" ") + (COMMON.format(common) if common else "")))


def ghcr(tmp_path: Path, row: str = "", common: str = "") -> CacheSpec:
    return fleet(tmp_path, row, common).caches.specs[1]


def test_what_holds_where_nothing_is_said(tmp_path: Path) -> None:
    it = ghcr(tmp_path)
    assert (it.registry, it.upstream, it.port, it.name) == ("ghcr.io", "https://ghcr.io", 5010, "ghcr")
    assert (it.image.reference, it.image.major, it.memory, it.bind, it.ttl) == ("registry:2", 2, "512m", "", "")
    assert not it.blobdescriptor
    assert fleet(tmp_path).caches.upkeep.restart_hours == 1
    assert fleet(tmp_path).cache_hosts == ("registry-vm",)


def test_a_row_wins_over_what_holds_for_all(tmp_path: Path) -> None:
    common = "image: 'registry:3', ttl: 720h, memory: 1g, hosts: {a.lan: 10.0.0.1}, blobdescriptor: inmemory"
    table = fleet(
        tmp_path, "image: 'registry:2.8.3', memory: 256m, hosts: {b.lan: 10.0.0.2}, blobdescriptor: off", common
    )
    docker, own = table.caches.specs
    assert (docker.image.major, docker.ttl, docker.memory, docker.blobdescriptor) == (3, "720h", "1g", True)
    assert (own.image.major, own.memory, own.blobdescriptor) == (2, "256m", False)
    assert own.hosts == (("a.lan", "10.0.0.1"), ("b.lan", "10.0.0.2"))


def test_the_major_of_a_digest(tmp_path: Path) -> None:
    digest = "registry@sha256:" + "0" * 64
    assert ghcr(tmp_path, f"image: '{digest}', major: 3").image.config_path == "/etc/distribution/config.yml"
    assert ghcr(tmp_path, common=f"image: '{digest}', major: 2").image.major == 2
    # What was said of the image for all says nothing of another image.
    with pytest.raises(InventoryError, match="does not say which registry"):
        ghcr(tmp_path, f"image: '{digest}'", "image: 'registry:3', major: 3")


def test_upkeep(tmp_path: Path) -> None:
    common = "gc: {day: sat, hour: 3, apart: 20}, restart: {enabled: false}"
    upkeep = fleet(tmp_path, common=common).caches.upkeep
    assert (upkeep.gc_day, upkeep.gc_hour, upkeep.gc_apart, upkeep.restart_hours) == ("sat", 3, 20, None)
    assert fleet(tmp_path, common="gc: {enabled: false}").caches.upkeep.gc_day is None


ROW, ALL = "data.registries.ghcr.io", "data.caches"
MISTAKES = {
    "an unknown key": ("imagee: x", "", f"{ROW}.imagee", "did you mean image?"),
    "an unknown key for all": ("", "gcc: {}", f"{ALL}.gcc", "did you mean gc?"),
    "an unknown key of gc": ("", "gc: {dey: sat}", f"{ALL}.gc.dey", "did you mean day?"),
    "a password": ("password: x", "", f"{ROW}.password", "did you mean password_"),
    "a login for all": ("", "username: x", f"{ALL}.username", "unknown key"),
    "an image of no known registry": ("image: registry", "", f"{ROW}.image", "add major: 2 or major: 3"),
    "the same for all": ("", "image: 'registry:latest'", f"{ALL}.image", "add major: 2 or major: 3"),
    "a major that is not the tag's": ("image: 'registry:3', major: 2", "", f"{ROW}.image", "no registry 2.x"),
    "no image": ("image: '--privileged'", "", f"{ROW}.image", "is no image"),
    "a time without unit": ("ttl: '168'", "", f"{ROW}.ttl", "with its unit"),
    "a name to bind": ("bind: registry.lan", "", f"{ROW}.bind", "an address of the cache host"),
    "a size without unit": ("memory: '512'", "", f"{ROW}.memory", "such as 512m"),
    "less memory than Docker takes": ("memory: 1k", "", f"{ROW}.memory", "6m at least"),
    "uploads that are purged at once": ("purge_uploads_after: 0h", "", f"{ROW}.purge_uploads_after", "longer"),
    "an address with a zone": ("bind: 'fe80::1%eth0'", "", f"{ROW}.bind", "an address of the cache host"),
    "a name for a name": ("hosts: {a.lan: b.lan}", "", f"{ROW}.hosts.a.lan", "is to resolve to, such as 10.0.0.9"),
    "an option in an address": (
        r'hosts: {a.lan: "::1%x\n--privileged"}',
        "",
        f"{ROW}.hosts.a.lan",
        "is to resolve to",
    ),
    "all addresses for a name": ("hosts: {a.lan: 0.0.0.0}", "", f"{ROW}.hosts.a.lan", "is to resolve to"),
    "a home of nobody": (
        "username: x, password_file: ~nosuchuser/x",
        "",
        f"{ROW}.password_file",
        "no such home directory here: ~nosuchuser/x",
    ),
    "a file with a NUL": (r'username: x, password_file: "a\0b"', "", f"{ROW}.password_file", "pattern"),
    "another descriptor": ("blobdescriptor: redis", "", f"{ROW}.blobdescriptor", "'off' or 'inmemory'"),
    "a username alone": ("username: x", "", ROW, "username needs"),
    "a password alone": ("password_env: X", "", ROW, "username needs"),
    "two passwords": ("username: x, password_env: X, password_file: y", "", ROW, "two places"),
    "a day": ("", "gc: {day: sunday}", f"{ALL}.gc.day", "'sun'"),
    "an interval": ("", "restart: {hours: 5}", f"{ALL}.restart.hours", "1, 2, 3, 4, 6, 8, 12 or 24"),
    "a ca that is relative": ("ca: own.pem", "", f"{ROW}.ca", "absolute"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_names_its_key(tmp_path: Path, mistake: str) -> None:
    row, common, key, says = MISTAKES[mistake]
    with pytest.raises(InventoryError) as caught:
        fleet(tmp_path, row, common)
    assert (caught.value.place.file, caught.value.place.key) == (str(tmp_path / "defaults.yaml"), key)
    assert says in str(caught.value)


@pytest.mark.parametrize("said", ["0.0.0.0", "'::'", "'0:0::0'"])  # noqa: S104  # settings, nothing listens
def test_all_addresses_are_what_holds_where_nothing_is_said(tmp_path: Path, said: str) -> None:
    assert ghcr(tmp_path, f"bind: {said}", "bind: 10.0.0.1").bind == ""


def test_addresses_are_as_docker_writes_them(tmp_path: Path) -> None:
    it = ghcr(tmp_path, "bind: 'FD00::0010', hosts: {a.lan: 'FD00:0::9'}")
    assert (it.bind, it.hosts) == ("fd00::10", (("a.lan", "fd00::9"),))


def test_an_upstream_is_one_line(tmp_path: Path) -> None:
    text = DEFAULTS.replace("https://ghcr.io,", r'"https://ghcr.io\n",')
    with pytest.raises(InventoryError, match="must be a URL"):
        load(write(tmp_path, defaults=text))


@pytest.mark.parametrize("container", ["a b", "-v", "x", "registry-ghcr.before", "registry-", "registry-.."])
def test_names_that_no_container_can_have(tmp_path: Path, container: str) -> None:
    with pytest.raises(InventoryError, match="must be a container's name"):
        load(write(tmp_path, defaults=DEFAULTS.replace("registry-ghcr", f"'{container}'")))


def test_two_caches_of_one_directory(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"would share /etc/docker-registry/docker/config\.yml"):
        load(write(tmp_path, defaults=DEFAULTS.replace("registry-ghcr", "docker")))


def test_passwords_are_read_only_when_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fleet(tmp_path, "username: bot, password_env: GHCR_PASSWORD").caches
    assert table.specs[1].credentials == Credentials("bot")
    with pytest.raises(InventoryError, match="GHCR_PASSWORD is not set") as caught:
        table.with_passwords()
    assert caught.value.place.key == f"{ROW}.password_env"
    monkeypatch.setenv("GHCR_PASSWORD", "hunter2")
    docker, own = table.with_passwords()
    assert docker.credentials is None
    assert own.credentials is not None
    assert (own.credentials.username, own.credentials.password) == ("bot", "hunter2")


def test_a_password_in_a_file(tmp_path: Path) -> None:
    table = fleet(tmp_path, "username: bot, password_file: secret").caches
    with pytest.raises(InventoryError, match="secret cannot be read: No such file"):
        table.with_passwords()
    for content, says in (("", "is empty"), ("a\nb", "more than one line")):
        (tmp_path / "secret").write_text(content)
        with pytest.raises(InventoryError, match=says):
            table.with_passwords()
    (tmp_path / "secret").write_text("hunter2\n")
    credentials = table.with_passwords()[1].credentials
    assert credentials is not None
    assert credentials.password == "hunter2"
