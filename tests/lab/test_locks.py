"""The maintenance lock of a controller that died on the lab: what goes on under it, and who removes it."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.caches import CacheHost
from tests.lab.deployed import deploy, outcomes, reason, serves
from tests.lab.nodes import Inventory, LabNode, Ran, fleet
from tests.lab.test_gate import HOLDS, settling

Fresh = Callable[..., list[LabNode]]
ELSEWHERE = "20260214T031502Z-1f3a"


def unlock(*words: str) -> Ran:
    return fleet("caches", "unlock", "--yes", "--json", *words)


def locks(ran: Ran) -> dict[str, str]:
    told = ran.json["hosts"]["registry-vm"]["locks"]
    return {run: lock["outcome"] for run, lock in told.items()}


def lock_of_another_controller(host: CacheHost) -> None:
    host.sh(f"mkdir -p {HOLDS}; echo $(($(date +%s) + 600)) run {ELSEWHERE} of op@host >{HOLDS}/{ELSEWHERE}")


def changed(inventory: Inventory) -> tuple[str, str]:
    """An inventory that wants the cache of ghcr.io otherwise."""
    inventory.replace("defaults.yaml", "port: 5010", "port: 5010, purge_uploads_after: 36h")
    return inventory.option


def test_a_stopped_cache_starts_under_a_lock_and_one_that_runs_stays(deployed: CacheHost, inventory: Inventory) -> None:
    lock_of_another_controller(deployed)
    deployed.sh("docker stop -t 1 registry-k8s registry; docker rm registry; docker pause registry-kyverno")
    option = changed(inventory)

    ran = deploy(*option)

    started = {"registry": "deployed", "registry-k8s": "deployed", "registry-kyverno": "deployed"}
    assert (ran.exit, outcomes(ran)) == (1, started | {"registry-ghcr": "failed", "registry-quay": "unchanged"})
    why = reason(ran, "registry-ghcr")
    assert f"maintenance lock of run {ELSEWHERE} of op@host until" in why
    assert "once that run has ended, remove the lock with" in why
    assert all(serves(deployed, name) for name in (*started, "registry-ghcr"))

    # What does not run may be replaced.
    deployed.sh("docker stop -t 1 registry-ghcr")
    ran = deploy(*option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (0, "deployed")
    assert unlock("--force").exit == 0
    assert deploy().exit == 0


def test_finish_releases_what_a_killed_rollout_has_locked(
    fresh: Fresh, deployed: CacheHost, inventory: Inventory
) -> None:
    [node] = fresh("worker-2")
    with settling("worker-2") as controller:
        controller.kill()
        controller.wait(10)
    lock_of_another_controller(deployed)
    option = changed(inventory)
    assert deploy(*option).exit == 1

    ran = fleet("finish", "--host", "worker-2", "--yes", "--json", "--settle", "0")

    assert (ran.exit, node.cri) == (0, "ok")
    assert "registry-vm: the maintenance lock of run 2" in ran.stderr
    assert deployed.sh(f"ls {HOLDS}").split() == [ELSEWHERE]
    deployed.sh(f"rm {HOLDS}/{ELSEWHERE}")
    ran = deploy(*option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (0, "deployed")
    assert deploy().exit == 0


def test_unlock_removes_the_locks_of_dead_runs_only(fresh: Fresh, deployed: CacheHost) -> None:
    fresh("worker-2")
    with settling("worker-2") as controller:
        ran = unlock("--force")
        [(run, outcome)] = locks(ran).items()
        assert (ran.exit, outcome) == (1, "failed")
        assert f"as pid {controller.pid};" in ran.json["hosts"]["registry-vm"]["locks"][run]["reason"]
        controller.kill()
        controller.wait(10)
    lock_of_another_controller(deployed)
    both = {ELSEWHERE: "failed", run: "planned"}
    ran = unlock("--dry-run")
    assert (ran.exit, locks(ran)) == (1, both)
    assert len(deployed.sh(f"ls {HOLDS}").split()) == 2
    ran = unlock()
    assert (ran.exit, locks(ran)) == (1, both | {run: "removed"})
    told = ran.json["hosts"]["registry-vm"]["locks"][ELSEWHERE]
    assert (told["owner"], 0 < told["seconds"] <= 600) == ("op@host", True)
    ran = unlock("--force")
    assert (ran.exit, locks(ran)) == (0, {ELSEWHERE: "removed"})
    ran = unlock()
    assert (ran.exit, locks(ran)) == (0, {})
    assert fleet("finish", "--host", "worker-2", "--yes", "--settle", "0").exit == 0
