"""A rollout and the caches: the gate, the canary's pull check, and the maintenance lock around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet.report import Exit, Report
from runbooks.options import RolloutOptions
from runbooks.rollout import Rollout
from tests.fakes.fleet import WORKERS, FakeFleet, build, every, outcomes


def rollout(fakes: FakeFleet, **options: Any) -> Report:
    chosen = {"settle_seconds": 0.0} | options
    return Rollout(fakes.fleet, fakes.names, RolloutOptions(**chosen), fakes.screen).carry_out()


def pulled_on(fakes: FakeFleet) -> list[str]:
    return [name for name, node in fakes.nodes.items() if node.called("pull")]


def test_one_canary_of_each_generation_pulls(tmp_path: Path) -> None:
    fakes = build(tmp_path, {"worker-1": "1.7", "worker-2": "1.7", "worker-3": "2", "worker-4": "2"})
    report = rollout(fakes)
    assert report.exit_code is Exit.OK
    assert pulled_on(fakes) == ["worker-1", "worker-3"]
    assert "2 of 2 pulls went through their cache" in report.nodes["worker-1"].reason


def test_a_canary_that_bypasses_the_caches_stops_the_run(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-1"].bypasses = True
    report = rollout(fakes)
    assert (report.exit_code, outcomes(report)) == (
        Exit.NOT_VERIFIED,
        every(WORKERS, "untouched") | {"worker-1": "migrated"},
    )
    assert fakes.armed() == ["worker-1"]
    [end] = [it for it in fakes.journal("end") if it["step"] == "verify pulls"]
    assert not end["ok"]


def test_a_canary_that_was_rolled_back_is_not_asked_to_pull(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes["worker-1"].when("restart", fails="containerd does not start")
    rollout(fakes)
    assert pulled_on(fakes) == []


def test_a_table_without_probes_checks_no_pull(tmp_path: Path) -> None:
    rows = {"ghcr.io": {"upstream": "https://ghcr.io", "port": 5010, "container": "registry-ghcr"}}
    fakes = build(tmp_path, registries=rows)
    assert outcomes(rollout(fakes)) == every(WORKERS, "migrated")
    assert pulled_on(fakes) == []


def break_cache(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].broken.add("registry-ghcr")


def stop_cache(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].containers["registry-ghcr"].status = "exited"


def remove_cache(fakes: FakeFleet) -> None:
    del fakes.hosts["vm-1"].containers["registry-ghcr"]


def swap_upstream(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].containers["registry-ghcr"].upstream = "https://quay.io"


def lease_address(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].dhcp = True


def lose_host(fakes: FakeFleet) -> None:
    fakes.hosts["vm-1"].up = False


def cut_off_a_node(fakes: FakeFleet) -> None:
    fakes["worker-3"].caches = {}


REFUSALS = {
    break_cache: "registry-ghcr on vm-1",
    stop_cache: "registry-ghcr on vm-1",
    remove_cache: "registry-ghcr on vm-1",
    swap_upstream: "registry-ghcr on vm-1",
    lease_address: "vm-1",
    lose_host: "vm-1",
    cut_off_a_node: "worker-3",
}


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.__name__)
def test_the_gate_refuses_and_every_node_is_untouched(tmp_path: Path, fault: Any) -> None:
    fakes = build(tmp_path)
    fault(fakes)
    report = rollout(fakes)
    assert (report.exit_code, outcomes(report)) == (Exit.FAILED, every(WORKERS, "untouched"))
    assert report.gate is not None
    assert any(REFUSALS[fault] in line for line in report.gate.refused)
    assert all(not node.called("stage") and node.untouched for node in fakes.nodes.values())
    assert not fakes.hosts["vm-1"].called("caches_hold")
    assert fakes.journal()[-1]["exit"] == 1


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.__name__)
def test_without_the_gate_the_run_goes_on_and_has_nothing_to_do_with_the_caches(tmp_path: Path, fault: Any) -> None:
    fakes = build(tmp_path)
    fault(fakes)
    assert outcomes(rollout(fakes, without_gate=True)) == every(WORKERS, "migrated")
    assert fakes.hosts["vm-1"].scripts == []
    assert pulled_on(fakes) == []


def test_a_lease_that_is_reserved_is_permitted(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    lease_address(fakes)
    assert outcomes(rollout(fakes, allow_dhcp=True)) == every(WORKERS, "migrated")


def test_the_gate_asks_only_nodes_that_change(tmp_path: Path) -> None:
    fakes = build(tmp_path, strategies={"worker-3": "skip"})
    cut_off_a_node(fakes)
    assert outcomes(rollout(fakes)) == every(WORKERS, "migrated") | {"worker-3": "skipped"}


def test_the_caches_are_asked_again_after_a_yes(tmp_path: Path) -> None:
    fakes = build(tmp_path, answer="3")
    fakes.hosts["vm-1"].when("caches_verify", skip=1, begins=lambda: break_cache(fakes))
    assert outcomes(rollout(fakes)) == every(WORKERS, "untouched")


def test_the_maintenance_lock_is_renewed_before_every_wave_and_released_at_the_end(tmp_path: Path) -> None:
    fakes = build(tmp_path, cache_hosts=2)
    locked: list[dict[str, int]] = []
    for name in WORKERS:
        fakes[name].when("arm", begins=lambda: locked.append(dict(fakes.hosts["vm-2"].locks)))
    report = rollout(fakes, num_workers=1)
    for host in fakes.hosts.values():
        # Before each of the three waves, and once more before the canary pulls.
        assert len(host.called("caches_hold")) == 4
        assert host.locks == {}
    assert [list(it) for it in locked] == [[report.run]] * 3
    assert all(seconds > 60 for it in locked for seconds in it.values())


def test_a_lock_that_cannot_be_had_stops_the_run_before_the_wave(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes.hosts["vm-1"].when("caches_hold", skip=2, fails="the garbage collection of registry is at work")
    report = rollout(fakes)
    assert outcomes(report) == every(WORKERS, "untouched") | {"worker-1": "migrated"}
    assert report.exit_code is Exit.FAILED
    assert "the garbage collection of registry is at work" in report.nodes["worker-2"].reason


def test_a_lock_that_cannot_be_released_is_a_warning(tmp_path: Path) -> None:
    fakes = build(tmp_path)
    fakes.hosts["vm-1"].when("caches_release", lost="before")
    assert rollout(fakes).exit_code is Exit.OK
    assert any(line.startswith("warning: vm-1") for line in fakes.screen.lines)
