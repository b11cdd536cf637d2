"""The strategy mirrors on config.toml: the text before, and every byte of the text after."""

from __future__ import annotations

import pytest

from containerd.model import Registry, Strategy
from tests.unit.containerd.samples import CONFIG, NEW, OLD, TABLE, decided, edited

DOCKER = 'endpoint = ["http://10.0.20.10:5000"]'
GHCR = 'endpoint = ["http://10.0.20.10:5010"]'
BOTH = f'[{OLD}.registry.mirrors."docker.io"]\n  {DOCKER}\n[{OLD}.registry.mirrors."ghcr.io"]\n  {GHCR}\n'
WILDCARD = f'[{OLD}.registry.mirrors."*"]\n  endpoint = ["http://old:5000"]\n'

CASES = {
    "the wildcard's place": (
        f"version = 2\n[grpc]\n\n{WILDCARD}\n[metrics]\n",
        f"version = 2\n[grpc]\n\n{BOTH}\n[metrics]\n",
    ),
    "no trailing newline": (f"version = 2\n{WILDCARD}".rstrip("\n"), f"version = 2\n{BOTH}"),
    "TABs and single quotes": (
        "version = 2\n\t[plugins.'io.containerd.grpc.v1.cri'.registry.mirrors.'*']\n\t\tendpoint = ['http://old']\n",
        "version = 2\n\t[plugins.'io.containerd.grpc.v1.cri'.registry.mirrors.\"docker.io\"]\n"
        f"\t\t{DOCKER}\n\t[plugins.'io.containerd.grpc.v1.cri'.registry.mirrors.\"ghcr.io\"]\n\t\t{GHCR}\n",
    ),
    "an entry of the table gets the table's caches, another stays": (
        f'version = 2\n[{OLD}.registry.mirrors."ghcr.io"]\n  endpoint = [\n    # old\n    "http://x",\n  ] # why\n'
        f'{WILDCARD}[{OLD}.registry.mirrors."quay.io"]\n  endpoint = ["http://q"]\n',
        f'version = 2\n[{OLD}.registry.mirrors."ghcr.io"]\n    # old\n  {GHCR} # why\n'
        f'[{OLD}.registry.mirrors."docker.io"]\n  {DOCKER}\n[{OLD}.registry.mirrors."quay.io"]\n  endpoint = ["http://q"]\n',
    ),
    "an entry without an endpoint gets one": (
        f'version = 2\n[{OLD}.registry.mirrors."docker.io"]\n  [{OLD}.registry.mirrors."ghcr.io"]\n',
        f'version = 2\n[{OLD}.registry.mirrors."docker.io"]\n  {DOCKER}\n'
        f'  [{OLD}.registry.mirrors."ghcr.io"]\n    {GHCR}\n',
    ),
    "no wildcard and no mirrors": (f"version = 2\n[{OLD}.cni]\n", f"version = 2\n[{OLD}.cni]\n\n{BOTH}"),
    "dotted under the plugin's header": (
        f'version = 2\n[{OLD}]\n  registry.mirrors."*".endpoint = ["http://old:5000"]\n  b = 2\n',
        f'version = 2\n[{OLD}]\n  registry.mirrors."docker.io".{DOCKER}\n'
        f'  registry.mirrors."ghcr.io".{GHCR}\n  b = 2\n',
    ),
    "dotted below the header of mirrors": (
        f'version = 2\n[{OLD}.registry.mirrors]\n  "*" = {{endpoint = ["http://old:5000"]}}\n  # note\n',
        f'version = 2\n[{OLD}.registry.mirrors]\n  "docker.io".{DOCKER}\n  "ghcr.io".{GHCR}\n  # note\n',
    ),
    "dotted kin": (
        f'version = 2\n[{OLD}.registry]\n  mirrors."docker.io".{DOCKER}\n',
        f'version = 2\n[{OLD}.registry]\n  mirrors."ghcr.io".{GHCR}\n  mirrors."docker.io".{DOCKER}\n',
    ),
    "config_path that is empty stays": (
        f'version = 2\n[{OLD}.registry]\n  config_path = ""\n{WILDCARD}',
        f'version = 2\n[{OLD}.registry]\n  config_path = ""\n{BOTH}',
    ),
    "as planned, in another spelling": (
        f"version = 2\n[{OLD}.registry.mirrors.'docker.io']\nendpoint=['http://10.0.20.10:5000']\n"
        f"[{OLD}.registry.mirrors.'ghcr.io']\nendpoint=[ 'http://10.0.20.10:5010' ]\n",
        f"version = 2\n[{OLD}.registry.mirrors.'docker.io']\nendpoint=['http://10.0.20.10:5000']\n"
        f"[{OLD}.registry.mirrors.'ghcr.io']\nendpoint=[ 'http://10.0.20.10:5010' ]\n",
    ),
}


@pytest.mark.parametrize("runs", ["1.6.20", "1.7.24", "2.1.9", "2.2.2"])
@pytest.mark.parametrize("name", CASES)
def test_the_old_id(name: str, runs: str) -> None:
    before, after = CASES[name]
    assert edited(before, runs, Strategy.MIRRORS) == after
    assert edited(after, runs, Strategy.MIRRORS) == after


def test_inline_mirrors() -> None:
    before = f'version = 2\n[{OLD}.registry]\n  mirrors = {{"ghcr.io" = {{endpoint = ["http://x"]}}, "*" = {{}}}}\n'
    after = f'version = 2\n[{OLD}.registry]\n  mirrors = {{"ghcr.io" = {{{GHCR}}}, "docker.io" = {{{DOCKER}}}}}\n'
    assert edited(before, strategy=Strategy.MIRRORS).replace(" ", "") == after.replace(" ", "")


def test_the_new_id() -> None:
    before = f"version = 3\n{WILDCARD.replace(OLD, NEW)}{WILDCARD}"
    assert edited(before, "2.1.9", Strategy.MIRRORS) == f"version = 3\n{BOTH.replace(OLD, NEW)}"


def test_several_endpoints_are_in_order() -> None:
    registry = Registry("quay.io", "https://quay.io", ("http://b:1", "http://a:1"))
    decision = decided(f"version = 2\n{WILDCARD}", strategy=Strategy.MIRRORS, registries=(registry,))
    assert decision.files[CONFIG] == (
        f'version = 2\n[{OLD}.registry.mirrors."quay.io"]\n  endpoint = ["http://b:1", "http://a:1"]\n'
    )


def test_no_hosts_toml_is_written() -> None:
    decision = decided(f"version = 2\n{WILDCARD}", strategy=Strategy.MIRRORS, others={}, registries=TABLE)
    assert list(decision.files) == [CONFIG]
    assert decision.config_path is None
    assert decision.reason == "one mirror for each registry of the table: config.toml"
