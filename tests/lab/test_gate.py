"""The gate on the lab: what keeps a rollout from starting, and what the caches know of one that runs."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.topology import CACHE_ADDRESS
from tests.lab.caches import CacheHost, UpstreamHost
from tests.lab.nodes import PROGRAM, PROJECT, Inventory, LabNode, Ran, canary, fleet, rollout

Fresh = Callable[..., list[LabNode]]

HOLDS = "/run/containerd-fleet/hold.d"
SSHD = "/etc/ssh/sshd_config.d/90-forwarding.conf"
RESTART = "/usr/local/lib/containerd-fleet/cache-restart registry-ghcr 2>&1"
NODES = ("--group", "workers", "--limit", "worker-1,worker-2,worker-4")


def refused(ran: Ran) -> list[str]:
    """The gate's lines of a run that it refused, in which no node was touched."""
    assert ran.exit == 1, ran.stdout + ran.stderr
    assert set(ran.outcomes.values()) <= {"untouched", "skipped"}, ran.stdout
    lines: list[str] = ran.json["gate"]["refused"]
    for name, outcome in ran.outcomes.items():
        if outcome == "untouched":
            assert ran.reason(name).startswith(f"the gate refused: {lines[0]}")
    return lines


def test_a_rollout_needs_the_caches_and_asks_them_first(
    fresh: Fresh, cache_host: CacheHost, upstream: UpstreamHost
) -> None:
    assert upstream
    nodes = fresh("worker-1", "worker-2", "worker-4")
    before = [node.snapshot() for node in nodes]

    lines = refused(rollout(*NODES, gate=True))
    assert lines[0] == f"registry on registry-vm: there is no such container; {PROGRAM} caches deploy"
    assert len(lines) == 5
    dry = rollout(*NODES, "--dry-run", gate=True)
    assert (dry.exit, set(dry.outcomes.values())) == (1, {"planned", "skipped"})
    assert [node.snapshot() for node in nodes] == before
    # A node on which nothing is to be done needs none.
    assert canary("worker-1", gate=True).exit == 0

    ran = canary("worker-2")
    assert (ran.exit, ran.outcomes) == (0, {"worker-2": "migrated"})
    assert ran.json["gate"] == {"said": "the caches were not asked (--without-gate)", "refused": []}
    assert cache_host.sh("ls /run/containerd-fleet 2>/dev/null || true") == ""


def test_what_is_wrong_with_a_cache_keeps_every_node_untouched(
    fresh: Fresh, deployed: CacheHost, inventory: Inventory
) -> None:
    nodes = fresh("worker-2", "worker-4")
    before = [node.snapshot() for node in nodes]

    def gate(*words: str) -> list[str]:
        return refused(rollout(*NODES, *words, gate=True))

    # A container that does not run, one that is no proxy, one that has another upstream than the table says.
    deployed.sh("docker stop registry-k8s")
    deployed.sh(
        "docker rm -f registry-kyverno && docker run -d -p 5040:5000 --restart always --name registry-kyverno "
        "-v /etc/docker-registry/kyverno/config.yml:/etc/distribution/config.yml registry:2"
    )
    deployed.sh("sed -i s,https://quay.io,https://ghcr.io, /etc/docker-registry/quay/config.yml")
    deployed.sh("docker restart registry-quay; sleep 1")
    told = dict(line.split(" on registry-vm: ", 1) for line in gate())
    assert sorted(told) == ["registry-k8s", "registry-kyverno", "registry-quay"]
    assert f"start it with: {PROGRAM} caches deploy; docker logs" in told["registry-k8s"]
    assert "caches deploy" in told["registry-kyverno"]
    assert "caches deploy" in told["registry-quay"]
    assert fleet("caches", "deploy", "--yes", "--json").exit == 0

    # A port in the table that is not the container's.
    inventory.replace("defaults.yaml", "port: 5020", "port: 5021")
    [line] = gate(*inventory.option)
    assert line.startswith("registry-quay on registry-vm: it is not as the inventory wants it: port 5020 -> 5021")

    deployed.lease()
    [line] = gate()
    assert f'ipconfig0 = "ip={CACHE_ADDRESS}/24' in line
    assert rollout(*NODES, "--dry-run", "--allow-dhcp", gate=True).exit == 5
    deployed.lease(None)

    # One node of several that does not reach them.
    nodes[1].sh(f"ip route add blackhole {CACHE_ADDRESS}")
    told = dict(line.split(" on registry-vm: ", 1) for line in gate())
    assert len(told) == 5
    assert told["registry-quay"] == f"no answer from worker-4; let it reach http://{CACHE_ADDRESS}:5020"
    # It is asked also where its sshd forwards nothing.
    nodes[1].write(SSHD, "AllowTcpForwarding no\n")
    nodes[1].sh("systemctl reload ssh")
    assert len(gate()) == 5
    nodes[1].sh(f"ip route del blackhole {CACHE_ADDRESS}")

    assert [node.snapshot() for node in nodes] == before
    dry = rollout(*NODES, "--dry-run", gate=True)
    assert (dry.exit, dry.json["gate"]["refused"]) == (5, [])


def test_a_canary_whose_pulls_go_past_a_cache_ends_the_run(fresh: Fresh, deployed: CacheHost) -> None:
    assert deployed
    nodes = fresh("worker-2", "worker-4")
    # Somebody's own file, which stays as it is: it names no cache.
    nodes[0].write("/etc/containerd/certs.d/ghcr.io/hosts.toml", 'server = "https://ghcr.io"\n# ours\n')
    before = nodes[1].snapshot()
    ran = rollout(*NODES, gate=True)
    assert (ran.exit, ran.outcomes) == (3, {"worker-1": "skipped", "worker-2": "migrated", "worker-4": "untouched"})
    told = ran.reason("worker-2")
    assert "but its pulls do not go through the caches: ghcr.io/lab/tiny:1: it did not come through the cache" in told
    assert told.endswith(f"roll it back with: {PROGRAM} rollback --host worker-2")
    assert ran.reason("worker-4") == "the run stopped after worker-2"
    assert nodes[1].snapshot() == before
    assert fleet("rollback", "--host", "worker-2", "--yes", "--json").exit == 0


def test_while_nodes_change_the_caches_are_left_alone(fresh: Fresh, deployed: CacheHost) -> None:
    nodes = fresh("worker-2", "worker-4")
    with settling("worker-2") as first, settling("worker-4") as second:
        held = {int(line.split()[0]): line for line in deployed.sh(f"cat {HOLDS}/*").splitlines()}
        now = int(deployed.sh("date +%s"))
        assert len(deployed.sh(f"ls {HOLDS}").split()) == 2
        assert all(60 < until_second - now < 1200 for until_second in held)
        for job in ("gc", "restart"):
            ran = fleet("caches", job, "ghcr", "--yes", "--json")
            cache = ran.json["hosts"]["registry-vm"]["caches"]["registry-ghcr"]
            assert cache["outcome"] == "skipped"
            assert "maintenance lock of run 2" in cache["reason"]
            assert cache["reason"].endswith("main.py caches unlock")
        # The end of a run lifts its own hold, also one that was interrupted; the other's stays.
        first.send_signal(signal.SIGINT)
        time.sleep(0.5)
        first.send_signal(signal.SIGINT)
        first.wait(60)
        assert first.returncode == 130
        [line] = deployed.sh(f"cat {HOLDS}/*").splitlines()
        assert f"maintenance lock of {line.split(maxsplit=1)[1]} until" in deployed.sh(f"{RESTART} || true")
        second.kill()
        second.wait(10)
    # That of a controller that died ends by the clock, if nobody removes it.
    assert "maintenance lock of run" in deployed.sh(f"{RESTART} || true")
    deployed.sh(f'sed -i "s/^[0-9]*/$(($(date +%s) - 1))/" {HOLDS}/*')
    assert "restarted" in deployed.sh(RESTART)
    assert fleet("finish", "--host", "worker-4", "--yes", "--settle", "0").exit == 0
    assert [node.cri for node in nodes] == ["ok", "ok"]


def test_who_is_asked_sees_the_plan_and_the_caches_are_asked_once_more(fresh: Fresh, deployed: CacheHost) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    asked = terminal("canary", "--host", "worker-2", "--settle", "0")
    said, code = asked("2")
    assert (code, "untouched" in said, node.snapshot()) == (130, True, before)

    def breaks() -> None:
        deployed.sh("docker stop registry-k8s")

    said, code = asked("1", breaks)
    assert "gate: 5 caches are well" in said.partition("Type 1 to go on:")[0]
    assert "registry-k8s on registry-vm" in said.partition("Type 1 to go on:")[2]
    assert (code, node.snapshot()) == (1, before)


def test_a_collection_at_work_is_not_run_into(fresh: Fresh, deployed: CacheHost) -> None:
    [node] = fresh("worker-2")
    before = node.snapshot()
    # Whoever is at work holds the lock, and says what with.
    busy = "echo 'the garbage collection of registry-ghcr' >/run/containerd-fleet/busy"
    pid = deployed.sh(
        f"{busy}; setsid flock /run/containerd-fleet/lock -c 'exec sleep 90' >/dev/null 2>&1 </dev/null & echo $!"
    )
    ran = canary("worker-2", gate=True)
    # So it is while a collection is at work on it.
    deployed.sh("touch /var/lib/containerd-fleet-caches/stopped/registry-ghcr; docker stop -t 1 registry-ghcr")
    lines = refused(canary("worker-2", gate=True))
    deployed.sh(f"kill -- -{pid.strip()}")
    at_work = "the garbage collection of registry-ghcr is at work; ask again when it is done"
    assert lines == [f"registry-ghcr on registry-vm: {at_work}"]
    assert (ran.exit, ran.outcomes) == (1, {"worker-2": "untouched"})
    assert "the garbage collection of registry-ghcr is at work" in ran.reason("worker-2")
    assert node.snapshot() == before
    assert deployed.sh(f"ls {HOLDS}") == ""


@contextmanager
def settling(name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A canary that holds the caches and has changed its node."""
    command = [sys.executable, str(PROJECT / "main.py"), "canary", "--host", name, "--yes", "--settle", "25"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as it:
        assert it.stderr is not None
        for line in it.stderr:
            if line.startswith(f"{name}: verify done".encode()):
                break
        yield it


def terminal(*words: str) -> Callable[..., tuple[str, int]]:
    """Run ``python main.py`` on a terminal, and type an answer to its question once something has been done."""
    command = shlex.join([sys.executable, str(PROJECT / "main.py"), *words])

    def answer(typed: str, do: Callable[[], None] = lambda: None) -> tuple[str, int]:
        with subprocess.Popen(
            ["script", "-qec", command, "/dev/null"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as it:
            assert it.stdin is not None
            assert it.stdout is not None
            said = b""
            while not said.endswith(b"to go on: "):
                byte = it.stdout.read(1)
                assert byte, said
                said += byte
            do()
            it.stdin.write(f"{typed}\n".encode())
            it.stdin.flush()
            said += it.stdout.read()
            return said.decode(), it.wait(30)

    return answer
