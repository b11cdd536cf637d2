"""The decision without a node, as the command line gives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.model import MAIN, Policy, Strategy, Version
from fleet.inventory import load
from fleet.screen import Screen
from runbooks.convert import Conversion, convert

PROJECT = Path(__file__).parents[3]
CRI = 'plugins."io.containerd.grpc.v1.cri"'
WILDCARD = f'version = 2\n\n[{CRI}.registry.mirrors."*"]\n  endpoint = ["http://10.0.20.10:5000"]\n'
SECRET = f'\n[{CRI}.registry.configs."r.example".auth]\n  password = "hunter2"\n'
REGISTRIES = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io", "reg.kyverno.io")


@dataclass(frozen=True)
class Ran:
    exit: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.stdout)
        return parsed


def run(source: Path, *words: str) -> Ran:
    command = [sys.executable, str(PROJECT / "main.py"), "convert", str(source), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def a_file(directory: Path, content: str | bytes) -> Path:
    path = directory / "config.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_file_is_converted_and_every_setting_accounted_for(tmp_path: Path) -> None:
    ran = run(a_file(tmp_path, WILDCARD + SECRET), "--containerd", "1.7.24", "--json")
    assert ran.exit == 0
    told = ran.json
    assert set(told) == {
        "containerd", "strategy", "changed", "before", "after", "files", "findings", "accounting",
    }  # fmt: skip
    assert (told["containerd"], told["strategy"], told["changed"]) == ("1.7.24", "config_path", True)
    assert told["before"] == told["after"] == {"cri": "ok", "reason": ""}
    assert list(told["files"]) == [*(f"/etc/containerd/certs.d/{name}/hosts.toml" for name in REGISTRIES), MAIN]
    assert told["files"][MAIN] == (
        f'version = 2\n\n[{CRI}.registry]\n  config_path = "/etc/containerd/certs.d"\n{SECRET}'
    )
    assert {entry["outcome"] for entry in told["accounting"]} <= {"moved", "kept", "replaced", "removed", "lost"}
    assert len(told["accounting"]) == 2
    assert all(set(entry) == {"key", "outcome", "to"} for entry in told["accounting"])
    for finding in told["findings"]:
        assert set(finding) == {"code", "severity", "where", "message", "fix", "blocks"}


def test_what_it_wrote_is_exact_and_a_second_time_nothing_is_to_be_done(tmp_path: Path) -> None:
    source, output = a_file(tmp_path, WILDCARD + SECRET), tmp_path / "out"
    told = run(source, "--containerd", "2.1.9", "--json", "--output", str(output)).json
    written = {f"/etc/containerd/{path.relative_to(output)}": path.read_text() for path in output.rglob("*.toml")}
    assert written == told["files"]
    again = run(output, "--containerd", "2.1.9", "--json")
    assert (again.exit, again.json["changed"], again.json["files"]) == (0, False, {})


def test_people_see_no_secret(tmp_path: Path) -> None:
    ran = run(a_file(tmp_path, WILDCARD + SECRET), "--containerd", "1.6.20", "--strategy", "config_path")
    assert ran.exit == 0
    assert "hunter2" not in ran.stdout + ran.stderr
    assert '+  config_path = "/etc/containerd/certs.d"' in ran.stdout


def test_the_strategy_is_the_inventorys_unless_it_is_said(tmp_path: Path) -> None:
    source = a_file(tmp_path, WILDCARD)
    assert run(source, "--containerd", "1.6.20", "--json").json["strategy"] == "skip"
    assert run(source, "--containerd", "1.6.20", "--json", "--strategy", "mirrors").json["strategy"] == "mirrors"


def test_a_directory_stands_for_etc_containerd(tmp_path: Path) -> None:
    a_file(tmp_path, 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n')
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "mirrors.toml").write_text(WILDCARD)
    told = run(tmp_path, "--containerd", "2.1.9", "--json").json
    assert told["after"]["cri"] == "ok"
    assert "mirrors" not in told["files"]["/etc/containerd/conf.d/mirrors.toml"]
    assert "config_path" in "".join(told["files"].values())


@pytest.mark.parametrize(
    ("content", "cri"),
    [
        pytest.param("[plugins\n", "dead", id="not TOML"),
        pytest.param("{{#if x}}\nversion = 2\n{{/if}}\n", "dead", id="a template"),
        pytest.param(b"\x7fELF\x02\x01\xff\xfe\x00", "dead", id="a binary file"),
        pytest.param(f'[{CRI}.registry]\n  config_path = "/a"\n', "ok", id="no version, with a URI"),
        pytest.param(f'version = 2\n[{CRI}.registry]\n  config_path = "/a:/b"\n', "ok", id="several roots"),
    ],
)
def test_what_is_refused_is_exit_2_with_what_containerd_makes_of_it(
    tmp_path: Path, content: str | bytes, cri: str
) -> None:
    ran = run(a_file(tmp_path, content), "--containerd", "1.7.24", "--json")
    assert ran.exit == 2
    assert set(ran.json) == {"refused", "containerd", "before"}
    assert ran.json["before"]["cri"] == cri
    assert "\n" not in ran.json["refused"]


def test_links_are_followed_as_containerd_follows_them(tmp_path: Path) -> None:
    etc, real = tmp_path / "etc", tmp_path / "real"
    etc.mkdir()
    real.mkdir()
    a_file(etc, 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n')
    (real / "a.toml").write_text(WILDCARD)
    (real / "circle").symlink_to(etc)
    (etc / "conf.d").symlink_to(real)
    told = run(etc, "--containerd", "2.1.9", "--json").json
    assert "mirrors" not in told["files"]["/etc/containerd/conf.d/a.toml"]


def test_a_root_elsewhere_is_written_and_read_back(tmp_path: Path) -> None:
    source, output = a_file(tmp_path, f'version = 2\n[{CRI}.registry]\nconfig_path = "/etc/certs"\n'), tmp_path / "out"
    first = run(source, "--containerd", "2.1.9", "--json", "--output", str(output))
    assert "/etc/certs/ghcr.io/hosts.toml" in first.json["files"]
    (output / "config.toml").write_bytes(source.read_bytes())
    assert run(output, "--containerd", "2.1.9", "--json").json["changed"] is False


@pytest.mark.parametrize("runs", ["1.5.18", "1.6.20", "1.7.34", "2.0.11", "2.2.0", "2.2.7", "2.3.4"])
def test_every_version_that_has_config_path(tmp_path: Path, runs: str) -> None:
    told = run(a_file(tmp_path, WILDCARD), "--containerd", runs, "--strategy", "config_path", "--json")
    if runs == "2.2.0":  # mirrors alone keep CRI from loading there (containerd #12612), which is mended
        assert told.json["before"]["cri"] == "error"
    assert (told.exit, told.json["after"]["cri"]) == (0, "ok")


def test_a_managed_containerd_is_refused_with_the_place_where_it_is_configured(tmp_path: Path) -> None:
    ran = run(a_file(tmp_path, WILDCARD), "--containerd", "v2.1.5-k3s1", "--json")
    assert ran.exit == 2
    assert "registries.yaml" in ran.json["refused"]


@pytest.mark.parametrize("kind", ["fifo", "config.toml that is a directory"])
def test_what_is_no_file_is_said(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(source)
    else:
        (source / "config.toml").mkdir(parents=True)
    ran = run(source, "--containerd", "1.7.24", "--json")
    assert ran.exit == 2
    assert ran.json["error"]["file"].startswith(str(source))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--containerd", "new"], "'new' is no version"),
        ([], "--containerd"),
        (["--containerd", "1.7.24", "--strategy", "x"], "--strategy"),
        (["--containerd", "1.7.24", "--inventory", "/nowhere"], "/nowhere"),
    ],
)
def test_usage_errors(tmp_path: Path, words: list[str], says: str) -> None:
    ran = run(a_file(tmp_path, WILDCARD), *words, "--json")
    assert ran.exit == 2
    error = ran.json["error"]
    assert says in f"{error['file']} {error['key']} {error['message']}"


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    ran = run(tmp_path / "nothing.toml", "--containerd", "1.7.24", "--json")
    assert (ran.exit, ran.json["error"]["file"]) == (2, str(tmp_path / "nothing.toml"))


POLICY = Policy(Strategy.CONFIG_PATH, load(PROJECT / "inventory").registries)
VERSIONS = [
    Version(*numbers, text="") for numbers in ((1, 5, 18), (1, 6, 20), (1, 7, 24), (2, 1, 9), (2, 2, 0), (2, 3, 4))
]


@settings(max_examples=300, deadline=None)
@given(
    st.binary() | st.text().map(str.encode) | st.sampled_from([WILDCARD.encode(), SECRET.encode(), b"version = 2\n"]),
    st.sampled_from(VERSIONS),
)
def test_any_bytes_are_converted_or_refused_and_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, version: Version
) -> None:
    source = a_file(tmp_path_factory.mktemp("any"), content)
    conversion = convert(source, version, POLICY)
    json.loads(conversion.as_json())
    with redirect_stdout(StringIO()) as shown:
        conversion.show(Screen())
    assert all(character.isprintable() or character in "\n\t" for character in shown.getvalue())
    if isinstance(conversion, Conversion):
        assert not (conversion.now.cri == "ok" and conversion.then.cri != "ok")


ROOTED = f'version = 2\n[{CRI}.registry]\nconfig_path = "{{}}"\n'


@pytest.mark.parametrize(
    ("root", "below"),
    [
        ("/etc/containerd/../../escaped/certs.d", "escaped/certs.d"),
        ("/etc/containerd/../../../../certs", "certs"),
        ("/etc/containerd//certs.d/./x/..", "certs.d"),
        ("/etc/containerd-certs", "etc/containerd-certs"),
        ("/srv/certs/", "srv/certs"),
    ],
)
def test_nothing_is_written_outside_of_the_output(tmp_path: Path, root: str, below: str) -> None:
    output = tmp_path / "a" / "b" / "out"
    assert run(a_file(tmp_path, ROOTED.format(root)), "--containerd", "1.7.24", "--output", str(output)).exit == 0
    assert (output / below / "docker.io" / "hosts.toml").is_file()
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {tmp_path / "config.toml"}
    assert all(path.is_relative_to(output) for path in written)


@pytest.mark.parametrize("linked", ["certs.d", "certs.d/docker.io", "certs.d/docker.io/hosts.toml", "config.toml"])
def test_nothing_is_written_through_a_link_out_of_the_output(tmp_path: Path, linked: str) -> None:
    output, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (output / linked).parent.mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "file").write_text("mine\n")
    (output / linked).symlink_to(elsewhere / "file" if linked.endswith(".toml") else elsewhere)
    ran = run(a_file(tmp_path, WILDCARD), "--containerd", "1.7.24", "--output", str(output))
    assert ran.exit == 2
    assert f"outside of {output}" in ran.stderr
    assert "remove the link" in ran.stderr
    assert [path.name for path in elsewhere.iterdir()] == ["file"]
    assert (elsewhere / "file").read_text() == "mine\n"
    assert not [path for path in output.rglob("*") if path.is_file() and not path.is_symlink()]


def test_a_link_inside_of_the_output_is_written_through(tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "config.toml").symlink_to("config-1.toml")
    assert run(a_file(tmp_path, WILDCARD), "--containerd", "1.7.24", "--output", str(output)).exit == 0
    assert (output / "config.toml").is_symlink()
    assert "config_path" in (output / "config-1.toml").read_text()


def test_a_link_in_a_circle_and_what_is_no_file(tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "config.toml").symlink_to("config.toml")
    ran = run(a_file(tmp_path, WILDCARD), "--containerd", "1.7.24", "--output", str(output))
    assert (ran.exit, "circle" in ran.stderr or "link" in ran.stderr) == (2, True)
    (output / "config.toml").unlink()
    os.mkfifo(output / "config.toml")
    ran = run(a_file(tmp_path, WILDCARD), "--containerd", "1.7.24", "--output", str(output))
    assert (ran.exit, "is no file" in ran.stderr) == (2, True)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    source, output = a_file(tmp_path, WILDCARD + SECRET), tmp_path / "out"
    source.chmod(mode)
    for _ in range(2):
        assert run(source, "--containerd", "1.7.24", "--output", str(output)).exit == 0
        assert (output / "config.toml").stat().st_mode & 0o777 == mode
    hosts = output / "certs.d" / "docker.io" / "hosts.toml"
    hosts.chmod(0o600)
    assert run(source, "--containerd", "1.7.24", "--output", str(output)).exit == 0
    assert hosts.stat().st_mode & 0o777 == 0o600
    assert not list(output.rglob(".containerd-fleet-*"))
