"""How a cache is started, and its configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caches.image import parse_image
from caches.spec import Credentials, bytes_of, name_of
from templates import render_cache_config
from tests.unit.caches.samples import THREE, TWO, spec, wanted

SAFE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("container", "name"),
    [("registry", "docker"), ("registry-ghcr", "ghcr"), ("registry-k8s", "k8s"), ("cache", "cache")],
)
def test_a_cache_is_called_by_its_container(container: str, name: str) -> None:
    assert name_of(container) == name
    assert spec(container).config_file == f"/etc/docker-registry/{name}/config.yml"


def test_docker_run_as_in_the_seed() -> None:
    options = wanted(spec()).options
    assert " ".join(options[:8]) == "-p 5010:5000 -d --restart always --name registry-ghcr -v"
    assert options[8] == "/etc/docker-registry/ghcr/config.yml:/etc/docker/registry/config.yml:ro"
    assert options[-1] == "registry:2"
    assert "registry-ghcr-data:/var/lib/registry" in options
    assert "--memory 512m --log-driver json-file --log-opt max-size=10m --log-opt max-file=3" in " ".join(options)


def test_a_registry_3_reads_another_path() -> None:
    options = wanted(spec(image=THREE)).options
    assert "/etc/docker-registry/ghcr/config.yml:/etc/distribution/config.yml:ro" in options
    assert "OTEL_TRACES_EXPORTER=none" in options


def test_addresses_are_bound() -> None:
    assert wanted(spec(bind="10.0.20.10")).options[1] == "10.0.20.10:5010:5000"
    assert wanted(spec(bind="fd00::10")).options[1] == "[fd00::10]:5010:5000"


def test_the_trial_has_neither_port_nor_name_and_reads_the_new_file() -> None:
    trial = wanted(spec(hosts=(("ghcr.io", "10.0.0.9"),), ca="/etc/ssl/own.pem")).trial
    assert "-p" not in trial
    assert "--name" not in trial
    assert "/etc/docker-registry/ghcr/config.yml.new:/etc/docker/registry/config.yml:ro" in trial
    assert "registry-ghcr-data:/var/lib/registry:ro" in trial
    assert {"ghcr.io:10.0.0.9", "/etc/ssl/own.pem:/etc/docker-registry-ca.pem:ro"} <= set(trial)


OTHER: dict[str, dict[str, Any]] = {
    "port": {"port": 5011},
    "upstream": {"upstream": "https://ghcr.lan"},
    "image": {"image": parse_image("registry:2.8.3")},
    "bind": {"bind": "10.0.20.10"},
    "blobdescriptor": {"blobdescriptor": True},
    "purging": {"purge_uploads_after": "48h"},
    "memory": {"memory": "1g"},
    "log size": {"log_size": "1m"},
    "log files": {"log_files": 9},
    "hosts": {"hosts": (("ghcr.io", "10.0.0.9"),)},
    "ca": {"ca": "/ca.pem"},
    "a login": {"credentials": Credentials("me", "pw")},
}


@pytest.mark.parametrize("setting", OTHER)
def test_each_setting_is_in_the_sum(setting: str) -> None:
    assert wanted(spec()).digest == wanted(spec()).digest
    assert wanted(replace(spec(), **OTHER[setting])).digest != wanted(spec()).digest


def test_a_password_is_not_in_the_sum() -> None:
    """Whoever may ask Docker reads the sum, and could try passwords on it."""
    logins = [Credentials("me", password) for password in ("hunter2", 'a"b\\c\n', None)]
    assert len({wanted(spec(credentials=login)).digest for login in logins}) == 1


def test_the_configuration() -> None:
    told = yaml.safe_load(render_cache_config(spec()))
    assert told["proxy"] == {"remoteurl": "https://ghcr.io"}
    assert told["storage"]["delete"] == {"enabled": True}
    assert told["storage"]["maintenance"]["uploadpurging"]["age"] == "24h"
    assert "cache" not in told["storage"]
    assert told["http"]["addr"] == ":5000"
    assert "http" not in told["health"]


def test_blobdescriptor_comes_back_with_its_warning() -> None:
    text = render_cache_config(spec(blobdescriptor=True))
    assert yaml.safe_load(text)["storage"]["cache"] == {"blobdescriptor": "inmemory"}
    assert "distribution#2367" in text


def test_ttl_is_for_3_only() -> None:
    assert yaml.safe_load(render_cache_config(spec(image=THREE, ttl="720h")))["proxy"]["ttl"] == "720h"
    assert "ttl" not in yaml.safe_load(render_cache_config(spec(image=TWO, ttl="720h")))["proxy"]


@given(username=SAFE, password=SAFE)
def test_credentials_come_out_as_they_went_in(username: str, password: str) -> None:
    it = spec(credentials=Credentials(username, password))
    proxy = yaml.safe_load(render_cache_config(it))["proxy"]
    assert (proxy["username"], proxy["password"]) == (username, password)
    assert it.mode == "0600"
    assert spec().mode == "0644"


def test_a_password_is_in_no_repr() -> None:
    it = wanted(spec(credentials=Credentials("me", "hunter2")))
    assert "hunter2" not in repr(it) + " ".join(it.options) + " ".join(it.trial)


def test_sizes() -> None:
    assert [bytes_of(size) for size in ("7", "1k", "512m", "2g")] == [7, 1024, 512 << 20, 2 << 30]
    with pytest.raises(ValueError, match="no size"):
        bytes_of("lots")
