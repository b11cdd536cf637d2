"""What lies below certs.d on real nodes: certificates go on, files that are missing and the wildcard are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.lab.nodes import CONFIG, LabNode, Ran, canary, fleet, rollout

Fresh = Callable[..., list[LabNode]]
CERTS = "/etc/containerd/certs.d"
OLD = 'plugins."io.containerd.grpc.v1.cri".registry'


def on_path(node: LabNode, files: dict[str, str]) -> None:
    """Have a node read certs.d already, with these files in it."""
    for path, text in files.items():
        node.write(f"{CERTS}/{path}", text)
    node.write(CONFIG, f'version = 2\n[{OLD}]\n  config_path = "{CERTS}"\n')
    node.restart()


def audit(name: str) -> Ran:
    return fleet("audit", "--json", "--group", "workers", "--limit", name)


def findings(ran: Ran, name: str) -> list[tuple[str, str]]:
    found: Iterable[dict[str, str]] = ran.json["nodes"][name]["findings"]
    return [(it["code"], it["where"]) for it in found]


@pytest.mark.parametrize("name", ["worker-2", "worker-4"])
def test_certificates_of_a_registry_go_on_in_its_new_file(fresh: Fresh, name: str) -> None:
    [node] = fresh(name)
    authority = node.read("/etc/ssl/certs/ca-certificates.crt")[:4000].partition("-----END CERTIFICATE-----")
    on_path(node, {"ghcr.io/lab.crt": "".join(authority[:2]) + "\n", "quay.io/note.txt": "nothing\n"})

    before = audit(name)
    assert ("certificate-carried", f"{CERTS}/ghcr.io") in findings(before, name)

    ran = canary(name)
    assert ran.exit == 0, ran.stdout + ran.stderr
    assert f'\nca = "{CERTS}/ghcr.io/lab.crt"\n' in node.read(f"{CERTS}/ghcr.io/hosts.toml")
    assert "ca =" not in node.read(f"{CERTS}/quay.io/hosts.toml")
    after = audit(name)
    assert not [code for code, _ in findings(after, name) if code.startswith("certificate")]
    assert after.json["nodes"][name]["drift"] == []


@pytest.mark.parametrize("name", ["worker-2", "worker-4"])
def test_a_file_that_names_what_is_not_there_is_refused_until_it_is(fresh: Fresh, name: str) -> None:
    [node] = fresh(name)
    on_path(node, {"r.lan/hosts.toml": 'server = "https://r.lan"\nca = "lab.crt"\n\n[host]\n'})
    before = node.snapshot()

    ran = rollout("--group", "workers", "--limit", name)
    assert ran.exit == 1
    assert f"names {CERTS}/r.lan/lab.crt, which is not there" in ran.reason(name)
    assert node.snapshot() == before
    audited = audit(name)
    assert ("tls-file-missing", f"{CERTS}/r.lan/hosts.toml") in findings(audited, name)

    node.write(f"{CERTS}/r.lan/lab.crt", "")
    assert rollout("--group", "workers", "--limit", name).exit == 0


def test_the_wildcard_in_its_new_form_is_named(fresh: Fresh) -> None:
    [node] = fresh("worker-4")
    on_path(node, {"_default/hosts.toml": '[host."http://198.18.20.10:5000"]\n'})
    found = findings(audit("worker-4"), "worker-4")
    path = f"{CERTS}/_default/hosts.toml"
    assert {("wildcard-default", path), ("wildcard-cache", f"{path}:1")} <= set(found)
