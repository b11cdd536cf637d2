"""Settings in any case, and TOML beside the standard: what is edited, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.config import overview
from containerd.diagnose import diagnose
from containerd.loader import predict
from containerd.model import ContainerdError, Refused
from tests.unit.containerd.prediction_cases import IMPORTS, V2, V3, config_path, file_set, mirrors
from tests.unit.containerd.samples import CONFIG, NEW, OLD, ROOT, decided, fileset, version

CAPITAL = OLD.replace("plugins", "Plugins")
CAPITALS = OLD.replace("plugins", "PLUGINS")


@pytest.mark.parametrize(
    ("runs", "text", "line"),
    [
        ("2.1.9", V2 + mirrors(CAPITAL), f"[{CAPITAL}.registry]"),
        ("2.3.4", V3 + f'[{NEW}.Registry.mirrors."*"]\n', f"[{NEW}.Registry]"),
        ("2.1.9", V2 + f'[{OLD}.registry]\nConfig_Path = "/etc/certs"\n', 'Config_Path = "/etc/certs"'),
        ("2.1.9", V2 + f'[{OLD}.registry]\nConfig_Path = ""\nMirrors.a = {{}}\n', f'Config_Path = "{ROOT}"'),
        ("2.1.9", "Version = 2\n" + mirrors(OLD), "Version = 2"),
        ("1.7.24", V2 + mirrors(CAPITALS), f"[{CAPITALS}.registry]"),
    ],
)
def test_an_edit_goes_to_the_existing_spelling(runs: str, text: str, line: str) -> None:
    changed = decided(text, runs).files.get(CONFIG, text)
    assert line in changed
    assert "mirrors" not in changed.lower()
    assert changed.lower().count("config_path") == 1
    assert predict(fileset(changed), version(runs)).cri == "ok"


def test_two_spellings_that_both_count_are_refused_with_both() -> None:
    text = V3 + f"[{NEW}.registry]\nmirrors.a = {{}}\nMirrors.b = {{}}\n"
    with pytest.raises(Refused, match=r"registry.mirrors and .*registry.Mirrors are one setting.*write one of them"):
        decided(text, "2.1.9")


def test_a_spelling_that_1_x_does_not_read_is_refused() -> None:
    text = V2 + f"[{OLD}.registry.Mirrors.a]\n"
    with pytest.raises(Refused, match=r"does not read .*Mirrors, and newer ones read it as mirrors"):
        decided(text, "1.7.24")


@pytest.mark.parametrize(
    ("runs", "piece"),
    [
        ("1.7.24", "[note]\na = {\n  b = 1\n}\n"),
        ("1.7.24", 'note = "a\\/b"\n'),
        ("1.6.20", "note = 07\n"),
        ("1.7.24", '"no"te = 1\n'),
        ("2.1.9", "[note]\na.b = 1\n[note.a]\n"),
        ("2.3.4", "note = .5\n"),
        ("2.4.0", "note = {\n  a = 1,\n}\n"),
        ("2.1.9+unknown", "note = {\n  a = 1,\n}\n"),
    ],
)
def test_toml_that_only_the_daemon_reads_is_not_edited_and_not_called_dead(runs: str, piece: str) -> None:
    text = V2 + piece + mirrors(OLD)
    assert predict(fileset(text), version(runs)).cri == "ok"
    assert "daemon-dead" not in {finding.code for finding in diagnose(fileset(text), version(runs))}
    with pytest.raises(Refused, match=f"{re.escape(str(version(runs)))} reads {CONFIG}, .*cannot be edited"):
        decided(text, runs)


def test_a_text_that_the_standard_reads_differently_is_not_edited() -> None:
    text = V2 + '["note\\u0041"]\n' + mirrors(OLD)
    assert decided(text, "2.1.9+unknown").changed
    with pytest.raises(Refused, match="the standard reads differently"):
        decided(text, "1.7.24")


def test_what_is_no_toml_for_anybody_is_named() -> None:
    with pytest.raises(Refused, match=f"^{CONFIG} is not TOML"):
        decided(V2 + "note = \n", "1.7.24")


@pytest.mark.parametrize(
    ("runs", "main", "dropins", "where"),
    [
        ("2.3.4", V2 + IMPORTS, ("# newer\nversion = 4\n",), "/etc/containerd/conf.d/0.toml:2"),
        ("2.1.9", V2 + IMPORTS, ("version = 4\n",), "/etc/containerd/conf.d/0.toml:1"),
        ("1.7.24", V2 + IMPORTS, ("\nversion = 3\n",), "/etc/containerd/conf.d/0.toml:2"),
        ("2.1.9", V2 + IMPORTS, ("root = 1\n",), "/etc/containerd/conf.d/0.toml:1"),
        ("2.1.9", V2 + IMPORTS, ("\n\nroot\n",), "/etc/containerd/conf.d/0.toml:3"),
        ("2.1.9", V2 + 'imports = ["/nowhere.toml"]\n', (), "/etc/containerd/config.toml:1"),
    ],
)
def test_a_daemon_that_does_not_start_is_reported_with_the_file_that_is_wrong(
    runs: str, main: str, dropins: tuple[str, ...], where: str
) -> None:
    (finding,) = (each for each in diagnose(file_set(main, *dropins), version(runs)) if each.code == "daemon-dead")
    assert finding.where == where


@pytest.mark.parametrize(("runs", "severity"), [("1.7.24", "warning"), ("2.1.9", "note"), ("2.3.4", "note")])
def test_a_missing_version_is_no_fault_of_tables_that_are_read(runs: str, severity: str) -> None:
    found = [each for each in diagnose(file_set(config_path(NEW)), version(runs)) if each.code == "version-missing"]
    assert [each.severity.value for each in found] == [severity]
    assert "ignored" not in found[0].message


@pytest.mark.parametrize("value", ["[1]", "1", "[[]]", "[{}]", '["a", 1]', "{a = 1}"])
@pytest.mark.parametrize("runs", ["1.6.20", "1.7.24", "2.1.9", "2.4.0"])
def test_an_endpoint_of_another_type_is_an_error_and_no_surprise(runs: str, value: str) -> None:
    files = file_set(V2 + f"[{OLD}.registry.mirrors.a]\nendpoint = {value}\n")
    assert predict(files, version(runs)).cri == "dead"
    assert "daemon-dead" in {finding.code for finding in diagnose(files, version(runs))}
    assert overview(files, version(runs)).mirrors == ()


LARGE = {
    "a header of 500 parts": f"[{'.'.join(['a'] * 500)}]\nx = 1\n",
    "a table of CRI of 500 parts": f"[{OLD}.{'.'.join(['a'] * 500)}]\nx = 1\n",
    "a key of 500 parts": f"[{OLD}]\n{'.'.join(['a'] * 500)} = 1\n",
    "an array over 3,000 lines": f"[{OLD}.x]\ny = [\n" + "  'v', # c\n" * 3000 + "]\n",
    "3,000 mirrors": "".join(f'[{OLD}.registry.mirrors."r{i}.example"]\nendpoint = []\n' for i in range(3000)),
    "10,000 keys": f"[{OLD}.x]\n" + "".join(f"k{i} = {i}\n" for i in range(10000)),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("runs", ["1.7.24", "2.1.9"])
def test_large_files_are_edited(runs: str, name: str) -> None:
    changed = decided(V2 + mirrors(OLD) + LARGE[name], runs).files[CONFIG]
    assert f'config_path = "{ROOT}"' in changed
    assert predict(fileset(changed), version(runs)).cri == "ok"
    assert overview(fileset(changed), version(runs)).config_path == ROOT


@pytest.mark.parametrize("runs", ["1.7.24", "2.1.9", "2.4.0"])
def test_what_is_nested_too_deeply_is_refused(runs: str) -> None:
    text = V2 + "note = " + "[" * 3000 + "]" * 3000 + "\n"
    assert predict(fileset(text), version(runs)).cri == "dead"
    with pytest.raises(ContainerdError, match="nested too deeply"):
        decided(text, runs)


NAMES = ("version", "plugins", "registry", "config_path", "mirrors", "endpoint")


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(*(st.sampled_from([name, name.title(), name.upper()]) for name in NAMES)),
    st.booleans(),
    st.sampled_from([NEW, OLD]),
    st.sampled_from(["1.6.20", "1.7.24", "2.0.11", "2.1.9", "2.2.0", "2.3.4"]),
)
def test_in_any_case_a_healthy_daemon_stays_healthy_and_has_no_mirror_left(
    names: tuple[str, ...], has_path: bool, plugin: str, runs: str
) -> None:
    number, plugins, registry, path, mirror, endpoint = names
    table = f"{plugin.replace('plugins', plugins)}.{registry}"
    setting = f'[{table}]\n{path} = "{ROOT}"\n' if has_path else ""
    text = f'{number} = 2\n{setting}[{table}.{mirror}."*"]\n{endpoint} = ["http://10.0.0.1:5000"]\n'
    try:
        changed = decided(text, runs).files.get(CONFIG, text)
    except ContainerdError:
        return
    assert predict(fileset(changed), version(runs)).cri == "ok"
    after = overview(fileset(changed), version(runs))
    assert (after.config_path, after.mirrors) == (ROOT, ())
