"""What is wrong with a cache, as `caches verify` tells it."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from lab.topology import CACHE_ADDRESS
from tests.lab.caches import CacheHost
from tests.lab.deployed import ids, serves, unwell, verify
from tests.lab.nodes import PROJECT, Inventory, fleet, until


def test_verify_says_what_is_wrong_with_which(deployed: CacheHost, inventory: Inventory) -> None:
    # The cache host is asked also where its sshd forwards nothing.
    deployed.write("/etc/ssh/sshd_config.d/90-forwarding.conf", "AllowTcpForwarding no\n")
    deployed.sh("systemctl reload ssh")
    ran = verify()
    assert (ran.exit, [it["code"] for it in ran.json["hosts"]["registry-vm"]["findings"]][:1]) == (5, ["no-cron"])
    deployed.sh("systemctl start cron")
    ran = verify()
    assert (ran.exit, unwell(ran)) == (0, {})
    seen = ran.json["hosts"]["registry-vm"]["caches"]["registry-ghcr"]["seen"]
    assert (seen["proxied"], seen["catalog"], seen["upload"]) == ("https://ghcr.io", 1, 405)
    before = ids(deployed)

    # A port in the table that is not the container's: no node reaches it there.
    inventory.replace("defaults.yaml", "port: 5020", "port: 5021")
    ran = verify(*inventory.option)
    assert (ran.exit, unwell(ran)) == (5, {"registry-quay": ["drift", "no-answer"]})
    away = ran.json["hosts"]["registry-vm"]["caches"]["registry-quay"]["unreachable"]
    assert len(away) == 6
    assert ids(deployed) == before

    state = f"{deployed.data('registry-ghcr')}/scheduler-state.json"
    whole = deployed.read(state)
    deployed.write(state, '{"a":')
    deployed.sh("docker stop registry-k8s")
    # A file at the path of another generation: a plain registry, which caches nothing.
    deployed.sh(
        "docker rm -f registry-kyverno && docker run -d -p 5040:5000 --restart always --name registry-kyverno "
        "-v /etc/docker-registry/kyverno/config.yml:/etc/distribution/config.yml registry:2"
    )
    until(lambda: serves(deployed, "registry-kyverno"))
    ran = verify()
    assert (ran.exit, unwell(ran)) == (
        5,
        {
            "registry-ghcr": ["broken-state"],
            "registry-k8s": ["not-running", "no-answer"],
            "registry-kyverno": ["drift", "no-proxy"],
        },
    )
    assert "no proxy" in fleet("caches", "verify").stdout
    deployed.write(state, whole)
    deployed.sh("rm /etc/ssh/sshd_config.d/90-forwarding.conf && systemctl reload ssh")


@pytest.mark.parametrize("words", [("verify",), ("verify", "--json"), ("deploy", "--dry-run")])
def test_a_reader_that_goes_away_changes_no_exit_code(deployed: CacheHost, words: tuple[str, ...]) -> None:
    deployed.sh("systemctl start cron")
    command = shlex.join([sys.executable, str(PROJECT / "main.py"), "caches", *words])
    done = subprocess.run(["bash", "-c", f"{command} | :; exit ${{PIPESTATUS[0]}}"], capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


def test_verify_sees_a_lease(deployed: CacheHost) -> None:
    deployed.sh("systemctl start cron")
    deployed.lease()
    ran = verify()
    assert ran.exit == 5
    [finding] = [it for it in ran.json["hosts"]["registry-vm"]["findings"] if it["code"] == "address-dhcp"]
    assert f'ipconfig0 = "ip={CACHE_ADDRESS}/24' in finding["fix"]
    assert verify("--allow-dhcp").exit == 0
    deployed.lease(None)
    assert verify().exit == 0
