"""The caches on the lab's cache host: deployed, changed, taken away."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from lab.topology import CACHE_ADDRESS
from tasks import scripts
from tests.lab.caches import CacheHost, UpstreamHost
from tests.lab.deployed import (
    GHCR,
    PORTS,
    SCRIPTS,
    deploy,
    ids,
    outcomes,
    reason,
    script,
    serves,
    started,
    unwell,
    verify,
    wrapped,
)
from tests.lab.nodes import Inventory, LabNode, fleet, until

Fresh = Callable[..., list[LabNode]]
NODES = ("k8s-master", "worker-1", "worker-2", "worker-3", "worker-4", "worker-5")
HAND_MADE = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
proxy:
  remoteurl: https://ghcr.io
"""


def test_from_nothing_and_once_more(cache_host: CacheHost, upstream: UpstreamHost) -> None:
    assert upstream
    dry = deploy("--dry-run", "--diff")
    assert (dry.exit, set(outcomes(dry).values())) == (5, {"planned"})
    assert ids(cache_host) == {}
    assert cache_host.sh("ls /etc/docker-registry /usr/local/lib/containerd-fleet 2>/dev/null || true") == ""

    ran = deploy()
    assert (ran.exit, outcomes(ran)) == (0, dict.fromkeys(PORTS, "deployed"))
    before = ids(cache_host)
    assert sorted(before) == sorted(PORTS)
    for container, port in PORTS.items():
        assert serves(cache_host, container)
        upload = f"curl -s -o /dev/null -w '%{{http_code}}' -X POST localhost:{port}/v2/a/b/blobs/uploads/"
        assert cache_host.sh(upload) == "405"
        log = cache_host.log(container)
        assert "Registry configured as a proxy cache to" in log
    assert "https://registry.k8s.io" in cache_host.log("registry-k8s")
    assert cache_host.sh("stat -c '%a %U' /etc/docker-registry/*/config.yml | sort -u") == "644 root\n"
    assert cache_host.sh("stat -c %a /etc/cron.d/containerd-fleet-caches") == "644\n"

    again = deploy("--diff")
    assert (again.exit, outcomes(again)) == (0, dict.fromkeys(PORTS, "unchanged"))
    assert ids(cache_host) == before
    assert "diff" not in again.json["hosts"]["registry-vm"]


def test_a_changed_setting_recreates_exactly_that_container(deployed: CacheHost, inventory: Inventory) -> None:
    before = ids(deployed)
    inventory.replace("defaults.yaml", GHCR, "container: registry-ghcr, log_files: 5, bind: " + CACHE_ADDRESS + ",")
    # That is what holds where nothing is said.
    inventory.replace("defaults.yaml", "container: registry-quay,", "container: registry-quay, bind: 0.0.0.0,")
    assert deploy("--dry-run", *inventory.option).exit == 5
    assert ids(deployed) == before
    ran = deploy(*inventory.option)
    assert ran.exit == 0
    assert outcomes(ran) == dict.fromkeys(PORTS, "unchanged") | {"registry-ghcr": "deployed"}
    assert f"port 5010 -> {CACHE_ADDRESS}:5010, log rotation" in reason(ran, "registry-ghcr")
    after = ids(deployed)
    assert {name for name in after if after[name] != before[name]} == {"registry-ghcr"}
    assert deployed.sh(f"curl -s {CACHE_ADDRESS}:5010/v2/_catalog") == '{"repositories":["lab/tiny"]}\n'
    assert deployed.sh("curl -s 127.0.0.1:5010/v2/ || echo refused") == "refused\n"
    assert set(outcomes(deploy(*inventory.option)).values()) == {"unchanged"}


def test_one_taken_out_of_the_table(fresh: Fresh, deployed: CacheHost, inventory: Inventory) -> None:
    fresh(*NODES)
    path = inventory.directory / "defaults.yaml"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "kyverno" not in line))
    ran = deploy(*inventory.option)
    assert (ran.exit, outcomes(ran)["registry-kyverno"]) == (0, "left")
    assert "--prune removes it" in reason(ran, "registry-kyverno")
    assert serves(deployed, "registry-kyverno")
    assert "kyverno" not in deployed.read("/etc/cron.d/containerd-fleet-caches")

    # What a person put beside it stays.
    deployed.write("/etc/docker-registry/kyverno/config.yml.orig", HAND_MADE)
    ran = deploy("--prune", *inventory.option)
    assert (ran.exit, outcomes(ran)["registry-kyverno"]) == (0, "removed")
    assert "registry-kyverno" not in ids(deployed)
    assert deployed.sh("ls /etc/docker-registry/kyverno") == "config.yml.orig\n"
    deployed.sh("rm /etc/docker-registry/kyverno/config.yml.orig")
    assert "registry-kyverno-data" in deployed.sh("docker volume ls -q")
    assert outcomes(deploy("--prune", *inventory.option))["registry-kyverno"] == "left"

    ran = deploy("--prune", "--prune-data", *inventory.option)
    assert (ran.exit, outcomes(ran)["registry-kyverno"]) == (0, "removed")
    assert "registry-kyverno-data" not in deployed.sh("docker volume ls -q")
    assert deployed.sh("ls -d /etc/docker-registry/kyverno 2>/dev/null || true") == ""
    assert list(outcomes(deploy(*inventory.option))) == [name for name in PORTS if name != "registry-kyverno"]


def test_a_password_is_on_the_host_and_nowhere_else(deployed: CacheHost, inventory: Inventory) -> None:
    secret = inventory.directory / "secret"
    secret.write_text("hunter2-and-more\n")
    row = "container: registry-ghcr, username: puller, password_file: secret,"
    inventory.replace("defaults.yaml", GHCR, row)
    inventory.replace("defaults.yaml", "  lab: true", f"  lab: true\n  runs: {inventory.directory}/runs")
    planned = fleet("caches", "deploy", "--dry-run", "--diff", *inventory.option)
    ran = deploy("--diff", *inventory.option)
    assert (planned.exit, ran.exit) == (5, 0)
    for text in (planned.stdout, planned.stderr, ran.stdout, ran.stderr):
        assert "hunter2" not in text
    assert '+  password: "****"' in planned.stdout
    journal = next((inventory.directory / "runs").glob("*/journal.jsonl")).read_text()
    assert "hunter2" not in journal
    assert ran.json["hosts"]["registry-vm"]["findings"][0]["code"] == "shared-credentials"
    file = "/etc/docker-registry/ghcr/config.yml"
    assert 'password: "hunter2-and-more"' in deployed.read(file)
    assert deployed.sh(f"stat -c '%a %U' {file}*") == "600 root\n"
    assert deployed.sh("docker inspect registry-ghcr | grep -c hunter2 || true") == "0\n"

    # What was sent stays nowhere either when a deploy is cut off.
    secret.write_text("hunter3-and-more\n")
    with wrapped(deployed, "volume inspect registry-ghcr-data", before="kill -TERM $PPID"):
        assert outcomes(deploy(*inventory.option))["registry-ghcr"] == "failed"
    assert deployed.sh("ls /run/containerd-fleet; ls /etc/docker-registry/ghcr") == "busy\nlock\nconfig.yml\n"

    # Whoever only verifies, or rolls out, need not know it.
    secret.unlink()
    assert deploy(*inventory.option).exit == 2
    assert unwell(verify(*inventory.option)) == {}
    deployed.sh(f"chmod 644 {file}")
    ran = verify(*inventory.option)
    assert unwell(ran) == {"registry-ghcr": ["drift"]}
    assert "mode of config.yml 0644 -> 0600" in ran.stdout


def test_one_made_by_hand_is_taken_over(deployed: CacheHost) -> None:
    deployed.sh("docker rm -f registry-ghcr")
    deployed.write("/etc/docker-registry/ghcr/config.yml", HAND_MADE)
    deployed.sh(
        "docker run -p 5010:5000 -d --restart always --name registry-ghcr "
        "-v /etc/docker-registry/ghcr/config.yml:/etc/docker/registry/config.yml registry:2"
    )
    until(lambda: serves(deployed))
    ran = deploy()
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (0, "deployed")
    assert deployed.read("/etc/docker-registry/ghcr/config.yml.orig") == HAND_MADE
    assert serves(deployed)
    assert outcomes(deploy())["registry-ghcr"] == "unchanged"
    deployed.sh("rm /etc/docker-registry/ghcr/config.yml.orig")


def test_containers_of_somebody_else(deployed: CacheHost) -> None:
    deployed.sh("docker rm -f registry-ghcr registry-quay registry-k8s")
    deployed.sh("docker run -d -p 5010:5000 --name web registry:2")
    deployed.sh("docker tag registry:2 web:1 && docker run -d --name registry-quay web:1")
    before = ids(deployed)
    ran = deploy("--prune", "--prune-data")
    assert ran.exit == 1
    assert outcomes(ran) == dict.fromkeys(PORTS, "unchanged") | {
        "registry-ghcr": "failed",
        "registry-quay": "failed",
        "registry-k8s": "deployed",
    }
    assert "port 5010 belongs to the container web" in reason(ran, "registry-ghcr")
    assert "a container of this name runs web:1" in reason(ran, "registry-quay")
    # Nor does the upkeep touch them.
    assert "registry-quay" not in deployed.read("/etc/cron.d/containerd-fleet-caches")
    for name in ("cache-gc", "cache-restart"):
        assert script(deployed, name, "registry-quay") == (
            1,
            "registry-quay: failed: it was not deployed by containerd-fleet",
        )
    assert {name: ids(deployed)[name] for name in ("web", "registry-quay")} == {
        name: before[name] for name in ("web", "registry-quay")
    }
    deployed.sh("docker rm -f registry-quay")


def test_what_somebody_took_away_is_put_back(deployed: CacheHost) -> None:
    # Docker makes a directory of a file that is gone.
    deployed.sh("rm /etc/docker-registry/quay/config.yml; docker restart -t 1 registry-quay 2>/dev/null || true")
    assert deployed.sh("stat -c %F /etc/docker-registry/quay/config.yml") == "directory\n"
    deployed.sh(f"rm {SCRIPTS}/cache-guard; echo >>/etc/cron.d/containerd-fleet-caches; chmod 700 /etc/cron.d")
    deployed.sh("docker create --name registry-ghcr.before registry:2")
    ran = verify()
    assert [it["where"] for it in ran.json["hosts"]["registry-vm"]["findings"] if it["code"] in ("upkeep", "left")] == [
        f"{SCRIPTS}/cache-guard",
        "/etc/cron.d/containerd-fleet-caches",
        "registry-ghcr.before",
    ]
    deployed.sh("docker pause registry-k8s")
    # A leftover is not what a restart goes back to.
    before = ids(deployed)
    assert script(deployed, "cache-restart") == (0, "registry-ghcr: restarted")
    assert ids(deployed) == before
    ran = deploy()
    changed = {"registry-quay": "deployed", "registry-k8s": "deployed", "registry-ghcr.before": "left"}
    assert (ran.exit, outcomes(ran)) == (0, dict.fromkeys(PORTS, "unchanged") | changed)
    assert all(serves(deployed, name) for name in PORTS)
    assert ids(deployed)["registry-k8s"] == before["registry-k8s"]
    assert deployed.sh("stat -c %a /etc/cron.d") == "700\n"
    deployed.sh("docker rm registry-ghcr.before; chmod 755 /etc/cron.d")


def test_a_docker_that_does_not_run(deployed: CacheHost) -> None:
    before = ids(deployed)
    deployed.stop_docker()
    ran = verify()
    assert (ran.exit, set(map(tuple, unwell(ran).values()))) == (5, {("no-docker",)})
    assert "systemctl start docker" in deploy("--dry-run").stdout
    dry = deploy("--dry-run", "--install-docker")
    assert (dry.exit, dry.json["hosts"]["registry-vm"]["said"][0].startswith("Docker and cron")) == (5, True)

    # What is there is started, and no package is asked for: docker.io would remove docker-ce.
    with wrapped(deployed, "", before="echo $* >>/run/asked", command="apt-get"):
        ran = deploy("--install-docker")
    assert (ran.exit, outcomes(ran)) == (0, dict.fromkeys(PORTS, "unchanged"))
    assert "error" not in {it["severity"] for it in ran.json["hosts"]["registry-vm"]["findings"]}
    assert deployed.sh("cat /run/asked 2>/dev/null; systemctl is-active docker cron") == "active\nactive\n"
    assert ids(deployed) == before


def test_a_cron_that_is_missing(deployed: CacheHost) -> None:
    before = ids(deployed)
    deployed.sh("mv /usr/sbin/cron /usr/sbin/cron.away")
    asked = 'case "$*" in *"install -y"*) mv /usr/sbin/cron.away /usr/sbin/cron ;; esac; echo $* >>/run/asked; exit 0'
    with wrapped(deployed, "", before=asked, command="apt-get"):
        ran = deploy("--install-docker")
    assert (ran.exit, outcomes(ran)) == (0, dict.fromkeys(PORTS, "unchanged"))
    assert deployed.read("/run/asked").splitlines()[-1].endswith("install -y --no-install-recommends cron")
    assert deployed.sh("systemctl is-active cron") == "active\n"
    assert ids(deployed) == before

    deployed.sh("systemctl stop cron; mv /usr/sbin/cron /usr/sbin/cron.away")
    with wrapped(deployed, "", before="echo 'E: no such package' >&2; exit 100", command="apt-get"):
        ran = deploy("--install-docker")
    deployed.sh("mv /usr/sbin/cron.away /usr/sbin/cron")
    assert ran.exit == 1
    assert "E: no such package" in ran.json["hosts"]["registry-vm"]["reason"]


def test_while_a_run_has_the_maintenance_lock_no_cache_that_runs_is_replaced(
    deployed: CacheHost, inventory: Inventory
) -> None:
    before = ids(deployed)
    deployed.sh(shlex.join(["sh", "-c", scripts.source("caches_hold"), "sh", "60", "ABCD", "run ABCD of op@host"]))
    inventory.replace("defaults.yaml", GHCR, "container: registry-ghcr, log_files: 5,")
    ran = deploy(*inventory.option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (1, "failed")
    assert "maintenance lock of run ABCD of op@host until" in reason(ran, "registry-ghcr")
    assert ids(deployed) == before


def test_what_cannot_be_deployed_leaves_what_was_there(
    fresh: Fresh, deployed: CacheHost, upstream: UpstreamHost, inventory: Inventory
) -> None:
    fresh(*NODES)
    before = ids(deployed), started(deployed, "registry-ghcr"), deployed.read("/etc/docker-registry/ghcr/config.yml")

    def now() -> tuple[dict[str, str], str, str]:
        return ids(deployed), started(deployed, "registry-ghcr"), deployed.read("/etc/docker-registry/ghcr/config.yml")

    # Its upstream does not answer: found out before the live one is touched.
    upstream.stop("ghcr.io")
    inventory.replace("defaults.yaml", GHCR, "container: registry-ghcr, purge_uploads_after: 1h,")
    ran = deploy(*inventory.option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (1, "failed")
    assert "it would not start, and nothing was changed: panic: Get " in reason(ran, "registry-ghcr")
    assert now() == before
    upstream.start("ghcr.io")
    inventory.replace("defaults.yaml", GHCR, "container: registry-ghcr, ca: /etc/none.pem,")
    ran = deploy(*inventory.option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (1, "failed")
    assert "/etc/none.pem (the setting ca) is no file on this host" in reason(ran, "registry-ghcr")
    assert now() == before
    assert deployed.sh("ls /etc/none.pem 2>/dev/null || true") == ""
    inventory.replace("defaults.yaml", "ca: /etc/none.pem, ", "")

    # Somebody has the port, and Docker does not know: the old one is put back.
    inventory.replace("defaults.yaml", "port: 5010", "port: 22")
    ran = deploy(*inventory.option)
    assert (ran.exit, outcomes(ran)["registry-ghcr"]) == (1, "failed")
    assert "address already in use" in reason(ran, "registry-ghcr")
    assert (now()[0], now()[2]) == (before[0], before[2])
    assert serves(deployed)
    assert deployed.sh("ls /etc/docker-registry/ghcr /var/lib/containerd-fleet-caches/stopped") == (
        "/etc/docker-registry/ghcr:\nconfig.yml\n\n/var/lib/containerd-fleet-caches/stopped:\n"
    )


def test_a_deploy_that_is_killed_in_the_middle(deployed: CacheHost, inventory: Inventory) -> None:
    before, config = ids(deployed), deployed.read("/etc/docker-registry/ghcr/config.yml")
    inventory.replace("defaults.yaml", GHCR, "container: registry-ghcr, purge_uploads_after: 1h,")
    with wrapped(deployed, " registry-ghcr registry-ghcr.before", after="kill -9 $PPID"):
        assert deploy(*inventory.option).exit in (1, 3)
    assert not serves(deployed)
    # While Docker is away nothing is forgotten.
    with wrapped(deployed, "", before="echo Cannot connect to the Docker daemon >&2; exit 1"):
        assert "Docker does not answer; the next minute tries again" in script(deployed, "cache-guard")[1]
    assert not serves(deployed)
    deployed.sh(f"{SCRIPTS}/cache-guard")
    until(lambda: serves(deployed))
    assert (ids(deployed), deployed.read("/etc/docker-registry/ghcr/config.yml")) == (before, config)
    assert deploy(*inventory.option).exit == 0
