"""How the caches are looked after on the lab's cache host: garbage collections, restarts, and what keeps them off."""

from __future__ import annotations

import json
import re

from tests.lab.caches import CacheHost, UpstreamHost
from tests.lab.deployed import (
    PORTS,
    SCRIPTS,
    outcomes,
    reason,
    script,
    serves,
    started,
    upkeep_log,
    wrapped,
)
from tests.lab.nodes import fleet, until


def test_garbage_collection(deployed: CacheHost, upstream: UpstreamHost) -> None:
    nothing = (0, "registry-kyverno: collected: nothing is cached yet")
    assert script(deployed, "cache-gc", "registry-kyverno") == nothing
    before = started(deployed, "registry-ghcr")
    ran = fleet("caches", "gc", "ghcr.io", "--yes", "--json")
    assert (ran.exit, outcomes(ran)) == (0, {"registry-ghcr": "collected"})
    assert started(deployed, "registry-ghcr") != before
    assert serves(deployed)
    assert deployed.sh("curl -s localhost:5010/v2/_catalog") == '{"repositories":["lab/tiny"]}\n'
    assert deployed.sh("cut -d' ' -f2 /var/lib/containerd-fleet-caches/registry-ghcr.gc") == "ok\n"
    assert re.search(r"registry-ghcr: collected: \d+ KiB\n", upkeep_log(deployed))

    # Without its upstream it could not boot again.
    before = started(deployed, "registry-ghcr")
    upstream.stop("ghcr.io")
    ran = fleet("caches", "gc", "ghcr", "--yes", "--json")
    assert (ran.exit, outcomes(ran)) == (5, {"registry-ghcr": "skipped"})
    assert "it would not start again: panic: Get " in reason(ran, "registry-ghcr")
    assert started(deployed, "registry-ghcr") == before
    assert fleet("caches", "gc", "nonsense", "--yes").exit == 2


def test_a_broken_state_file_keeps_a_cache_up(deployed: CacheHost) -> None:
    before, state = started(deployed, "registry-ghcr"), f"{deployed.data('registry-ghcr')}/scheduler-state.json"
    whole = deployed.read(state)
    try:
        for content in ("", '{"a":', "[]", "nonsense"):
            deployed.write(state, content)
            for name in ("cache-gc", "cache-restart"):
                code, said = script(deployed, name)
                assert (code, started(deployed, "registry-ghcr")) == (2, before)
                assert "skipped: it would not start again: panic:" in said
    finally:
        deployed.write(state, whole)


def test_a_state_that_is_cut_short_by_the_stop_is_put_back(deployed: CacheHost) -> None:
    state = f"{deployed.data('registry-ghcr')}/scheduler-state.json"
    with wrapped(deployed, "stop -t 30", after=f"head -c 20 {state} >/tmp/cut; cat /tmp/cut >{state}"):
        assert script(deployed, "cache-restart") == (0, "registry-ghcr: restarted")
    assert serves(deployed)
    assert "lab/tiny@sha256" in json.dumps(json.loads(deployed.read(state)))


def test_a_state_that_cannot_be_copied_keeps_a_cache_up(deployed: CacheHost) -> None:
    before = started(deployed, "registry-ghcr")
    with wrapped(deployed, ".state", before="head -c 20 /etc/passwd >/dev/null; exit 1", command="cp"):
        code, said = script(deployed, "cache-restart")
    assert (code, started(deployed, "registry-ghcr")) == (1, before)
    assert "cannot be kept below /var/lib/containerd-fleet-caches" in said
    assert deployed.sh(
        "ls /var/lib/containerd-fleet-caches/stopped /var/lib/containerd-fleet-caches/*.state || true"
    ) == ("/var/lib/containerd-fleet-caches/stopped:\n")


def test_restarts(deployed: CacheHost, upstream: UpstreamHost) -> None:
    before = {name: started(deployed, name) for name in PORTS}
    ran = fleet("caches", "restart", "--yes", "--json")
    assert (ran.exit, outcomes(ran)) == (0, dict.fromkeys(PORTS, "restarted"))
    assert all(started(deployed, name) != before[name] and serves(deployed, name) for name in PORTS)

    upstream.hang("quay.io")
    before = {name: started(deployed, name) for name in PORTS}
    code, said = script(deployed, "cache-restart", "registry-quay", BOOT_SECONDS=2)
    assert code == 2
    assert "skipped: it would not start again: no answer from the upstream within 2 s" in said
    assert started(deployed, "registry-quay") == before["registry-quay"]
    upstream.start("quay.io")

    deployed.sh("docker stop -t 1 registry-k8s; docker rm -f registry-kyverno")
    dry = fleet("caches", "restart", "--dry-run", "--json")
    told = dict.fromkeys(PORTS, "planned") | {"registry-k8s": "failed", "registry-kyverno": "failed"}
    assert (dry.exit, outcomes(dry)) == (1, told)
    ran = fleet("caches", "restart", "k8s", "kyverno", "--yes", "--json")
    assert (ran.exit, set(outcomes(ran).values())) == (1, {"failed"})
    assert reason(ran, "registry-k8s") == reason(dry, "registry-k8s") == "it does not run"
    assert reason(ran, "registry-kyverno").endswith("No such container: registry-kyverno")


def test_a_hold_is_respected_until_it_expires(deployed: CacheHost) -> None:
    holds = "/run/containerd-fleet/hold.d"
    run, other = f"{holds}/20261124T100000Z-abcd", f"{holds}/20261124T090000Z-beef"
    deployed.sh(f"mkdir -p {holds}")
    for name in ("cache-gc", "cache-restart"):
        deployed.sh(f"echo 1 another run >{other}; echo $(($(date +%s) + 60)) run ABCD of op@host >{run}")
        code, said = script(deployed, name)
        assert code == 4
        assert "skipped: maintenance lock of run ABCD of op@host until" in said
        for expired in ("$(($(date +%s) - 1)) x", "$(($(date +%s) + 999999)) x", "nonsense", ""):
            deployed.sh(f"echo {expired} >{run}")
            assert script(deployed, name)[0] == 0


def test_a_collection_that_dies_in_the_middle(deployed: CacheHost) -> None:
    with wrapped(deployed, "garbage-collect", before="echo $$ >/run/slow.pid; exec sleep 300"):
        for signal in ("TERM", "HUP", "KILL"):
            pid = deployed.sh(f"setsid {SCRIPTS}/cache-gc registry-ghcr >/dev/null 2>&1 </dev/null & echo $!").strip()
            until(lambda: deployed.sh("cat /run/slow.pid 2>/dev/null || true") != "")
            assert not serves(deployed)
            assert script(deployed, "cache-guard")[0] == 0
            assert not serves(deployed)
            # Restarts of other caches wait; that of this one does not come in between.
            said = script(deployed, "cache-restart", "registry", WAIT_SECONDS=1)[1]
            assert "the garbage collection of registry-ghcr is at work" in said
            deployed.sh(f"kill -{signal} {pid}")
            if signal == "KILL":
                deployed.sh("sleep 0.5; systemctl start cron")
                assert not serves(deployed)
            else:
                until(lambda: serves(deployed))
            # The collection itself, which the wrapper made of docker's client.
            deployed.sh("kill $(cat /run/slow.pid); rm /run/slow.pid")
        until(lambda: serves(deployed), 70)
    assert "whoever stopped it did not start it again" in upkeep_log(deployed)
    assert deployed.sh("ls /var/lib/containerd-fleet-caches/stopped; docker ps -aq --filter name=.gc") == ""
