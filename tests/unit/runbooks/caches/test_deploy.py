"""Caches deploy and maintenance by hand over scripted cache hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet.errors import UsageError
from fleet.report import Exit
from runbooks.caches.deploy import Deploy
from runbooks.caches.report import CachesReport
from runbooks.caches.upkeep import collect, restart
from runbooks.options import CachesOptions, UpkeepOptions
from tests.fakes.fleet import REGISTRIES, FakeFleet, build, ctrl_c
from tests.fakes.node import CONFIG

HOSTS = ("vm-1", "vm-2")


def words(report: CachesReport) -> dict[str, list[str]]:
    """The word of each cache, by host; a host on which nothing was begun has its own."""
    return {
        name: [host.trouble.outcome.value] if host.trouble else [cache.fate.value for cache in host.caches.values()]
        for name, host in report.hosts.items()
    }


def both(*fates: str) -> dict[str, list[str]]:
    return {name: list(fates) for name in HOSTS}


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    return build(tmp_path, cache_hosts=2)


@pytest.fixture
def empty(fakes: FakeFleet) -> FakeFleet:
    """Cache hosts on which nothing was deployed yet."""
    for host in fakes.hosts.values():
        host.containers.clear()
        host.files.clear()
        host.volumes.clear()
    return fakes


def deploy(fakes: FakeFleet, **options: Any) -> CachesReport:
    return Deploy(fakes.fleet, CachesOptions(**options), fakes.screen).carry_out()


def test_what_is_deployed_already_is_left(fakes: FakeFleet) -> None:
    report = deploy(fakes)
    assert (report.exit_code, words(report), report.run) == (Exit.OK, both("unchanged", "unchanged"), None)
    assert not any(host.called("caches_create") or host.called("caches_files") for host in fakes.hosts.values())


def test_from_nothing_one_host_after_another_and_the_maintenance_files_first(empty: FakeFleet) -> None:
    order: list[tuple[str, str]] = []
    for name, host in empty.hosts.items():
        for script in ("caches_files", "caches_create"):
            host.when(script, begins=lambda name=name, script=script: order.append((name, script)))
    report = deploy(empty)
    assert (report.exit_code, words(report)) == (Exit.OK, both("deployed", "deployed"))
    scripts = ["caches_files", "caches_create", "caches_create"]
    assert order == [(name, script) for name in HOSTS for script in scripts]
    assert list(empty.hosts["vm-1"].containers) == ["registry", "registry-ghcr"]
    assert {it["outcome"] for it in empty.journal("node")} == {"deployed"}
    assert empty.journal()[-1]["exit"] == 0
    assert words(deploy(empty)) == both("unchanged", "unchanged")


def test_a_dry_run_changes_nothing(empty: FakeFleet) -> None:
    report = deploy(empty, dry_run=True)
    assert (report.exit_code, words(report)) == (Exit.PENDING, both("planned", "planned"))
    assert empty.hosts["vm-1"].containers == {}
    assert empty.journals == []


def test_the_first_failure_begins_nothing_new(empty: FakeFleet) -> None:
    empty.hosts["vm-1"].when("caches_create", "registry", fails="registry:2 cannot be pulled")
    report = deploy(empty)
    assert report.exit_code is Exit.FAILED
    assert words(report) == {"vm-1": ["failed", "untouched"], "vm-2": ["untouched", "untouched"]}
    assert empty.hosts["vm-2"].containers == {}


@pytest.mark.parametrize("rule", [{"fails": "it does not answer", "code": 3}, {"lost": "after"}, {"hangs": True}])
def test_a_cache_that_may_not_serve_needs_a_person(empty: FakeFleet, rule: dict[str, Any]) -> None:
    empty.hosts["vm-1"].when("caches_create", **rule)
    assert deploy(empty).exit_code is Exit.NOT_VERIFIED


def test_ctrl_c_finishes_the_cache_at_work(empty: FakeFleet) -> None:
    run = Deploy(empty.fleet, CachesOptions(), empty.screen)
    empty.hosts["vm-1"].when("caches_create", times=1, begins=lambda: ctrl_c(run.stop))
    report = run.carry_out()
    assert report.exit_code is Exit.INTERRUPTED
    assert words(report) == {"vm-1": ["deployed", "untouched"], "vm-2": ["untouched", "untouched"]}


def test_a_stopped_cache_is_started(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].containers["registry"].status = "exited"
    assert deploy(fakes).exit_code is Exit.OK
    assert fakes.hosts["vm-1"].containers["registry"].status == "running"
    assert not fakes.hosts["vm-1"].called("caches_create")


def test_a_stopped_cache_that_may_not_move_is_started_where_it_is(fakes: FakeFleet, tmp_path: Path) -> None:
    """The wildcard of the nodes names its port."""
    moved = build(
        tmp_path / "moved",
        cache_hosts=2,
        registries=REGISTRIES | {"docker.io": REGISTRIES["docker.io"] | {"port": 5050}},
    )
    for name, host in moved.hosts.items():
        host.containers, host.volumes, host.files = (
            fakes.hosts[name].containers,
            fakes.hosts[name].volumes,
            fakes.hosts[name].files,
        )
    moved.hosts["vm-1"].containers["registry"].status = "exited"
    report = deploy(moved)
    cache = report.hosts["vm-1"].caches["registry"]
    assert (report.exit_code, cache.fate.value) == (Exit.FAILED, "failed")
    assert cache.reason.startswith("started as it was: port 5000 cannot be taken from docker.io")
    container = moved.hosts["vm-1"].containers["registry"]
    assert (container.status, container.port) == ("running", 5000)


def test_what_left_the_table_is_removed_only_on_demand(fakes: FakeFleet, tmp_path: Path) -> None:
    rows = {"ghcr.io": {"upstream": "https://ghcr.io", "port": 5010, "container": "registry-ghcr"}}
    smaller = build(tmp_path / "smaller", cache_hosts=2, registries=rows)
    for name, host in smaller.hosts.items():
        host.containers, host.volumes = fakes.hosts[name].containers, fakes.hosts[name].volumes
    deploy(smaller)
    assert "registry" in smaller.hosts["vm-1"].containers
    # The wildcard of the nodes names its port.
    assert deploy(smaller, prune=True, dry_run=True).exit_code is Exit.FAILED
    for node in smaller.nodes.values():
        node.files[CONFIG] = b"version = 2\n"
    report = deploy(smaller, prune=True)
    assert words(report) == both("unchanged", "removed")
    assert list(smaller.hosts["vm-1"].containers) == ["registry-ghcr"]
    assert "registry-data" in smaller.hosts["vm-1"].volumes
    deploy(smaller, prune=True, prune_data=True)
    assert list(smaller.hosts["vm-1"].volumes) == ["registry-ghcr-data"]


def test_a_host_that_does_not_answer_keeps_no_other_from_its_deploy(empty: FakeFleet) -> None:
    empty.hosts["vm-1"].up = False
    report = deploy(empty)
    assert words(report) == {"vm-1": ["unreachable"], "vm-2": ["deployed", "deployed"]}
    assert report.exit_code is Exit.UNREACHABLE


def test_a_host_without_docker(empty: FakeFleet) -> None:
    empty.hosts["vm-1"].docker = ""
    report = deploy(empty)
    assert report.exit_code is Exit.FAILED
    assert report.hosts["vm-1"].trouble is not None
    report = deploy(empty, install_docker=True)
    assert words(report)["vm-1"] == ["deployed", "deployed"]
    assert empty.hosts["vm-1"].called("caches_install")


def test_without_agreement_nothing_changes(empty: FakeFleet) -> None:
    empty.screen.answer = "no"
    report = deploy(empty)
    assert (report.exit_code, words(report)) == (Exit.INTERRUPTED, both("untouched", "untouched"))
    assert empty.hosts["vm-1"].containers == {}


def test_a_deploy_during_a_run_is_refused_by_its_maintenance_lock(empty: FakeFleet) -> None:
    empty.hosts["vm-1"].locks["20261124T100000Z-abcd"] = 600
    report = deploy(empty)
    assert words(report)["vm-1"] == ["failed", "untouched"]
    assert report.exit_code is Exit.FAILED


@pytest.mark.parametrize(
    ("by_hand", "script", "word"), [(collect, "cache-gc", "collected"), (restart, "cache-restart", "restarted")]
)
def test_maintenance_by_hand_is_of_every_cache_one_after_another(
    fakes: FakeFleet, by_hand: Any, script: str, word: str
) -> None:
    report = by_hand(fakes.fleet, (), UpkeepOptions(), fakes.screen)
    assert (report.exit_code, words(report)) == (Exit.OK, both(word, word))
    assert all(len(host.called(script)) == 2 for host in fakes.hosts.values())
    assert by_hand(fakes.fleet, ["ghcr"], UpkeepOptions(dry_run=True), fakes.screen).exit_code is Exit.PENDING


def test_maintenance_goes_on_after_a_failure_and_says_what_was_skipped(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].when("cache-gc", times=1, fails="registry: failed: the registry does not stop")
    fakes.hosts["vm-2"].when("cache-gc", fails="registry: skipped: a run is at work", code=2)
    report = collect(fakes.fleet, (), UpkeepOptions(), fakes.screen)
    assert words(report) == {"vm-1": ["failed", "collected"], "vm-2": ["skipped", "skipped"]}
    assert report.exit_code is Exit.FAILED
    assert report.hosts["vm-1"].caches["registry"].reason == "the registry does not stop"


def test_maintenance_of_a_cache_that_is_none(fakes: FakeFleet) -> None:
    with pytest.raises(UsageError, match="there is no cache 'gcr'"):
        collect(fakes.fleet, ["gcr"], UpkeepOptions(), fakes.screen)


def test_maintenance_without_agreement_stops_no_cache(fakes: FakeFleet) -> None:
    fakes.screen.answer = "no"
    report = collect(fakes.fleet, (), UpkeepOptions(), fakes.screen)
    assert (report.exit_code, words(report)) == (Exit.INTERRUPTED, both("untouched", "untouched"))
    assert not fakes.hosts["vm-1"].called("cache-gc")
