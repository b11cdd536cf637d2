from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containerd.loader import Prediction, named_files, predict
from containerd.model import MAIN, FileSet
from tests.unit.containerd.prediction_cases import (
    CASES,
    IMPORTS,
    V2,
    V3,
    VERSIONS,
    Case,
    config_path,
    file_set,
    mirrors,
    tls,
)
from tests.unit.containerd.release_cases import DURATIONS, LATE, RELEASE_CASES
from tests.unit.containerd.samples import NEW, OLD, version


@pytest.mark.parametrize("case", [*CASES, *RELEASE_CASES, *DURATIONS, *LATE], ids=lambda case: case.name)
def test_what_each_version_does(case: Case) -> None:
    assert {text: predict(case.files, version(text)).cri for text in VERSIONS} == case.expected


@pytest.mark.parametrize(
    ("runs", "main", "reason"),
    [
        (
            "1.7.24",
            V2 + config_path(OLD) + mirrors(OLD),
            "invalid plugin config: `mirrors` cannot be set when `config_path` is provided",
        ),
        (
            "2.1.9",
            V2 + config_path(OLD) + mirrors(OLD),
            "unable to load CRI image service plugin dependency: invalid cri image config: "
            "`mirrors` cannot be set when `config_path` is provided",
        ),
        (
            "1.6.20",
            V2 + config_path(OLD) + tls(OLD),
            "invalid plugin config: `configs.tls` cannot be set when `config_path` is provided",
        ),
        (
            "1.7.24",
            V2 + "plugins.cri.x = 1\n",
            f'failed to load TOML from {MAIN}: invalid plugin key URI "cri" expect io.containerd.x.vx',
        ),
        (
            "2.1.9",
            V2 + 'disabled_plugins = ["cri"]\n',
            f'failed to load TOML from {MAIN}: invalid disabled plugin URI "cri" expect io.containerd.x.vx',
        ),
        ("1.7.24", V3, f"failed to load TOML from {MAIN}: unsupported config version `3`"),
        (
            "2.2.7",
            "version = 4\n",
            f"failed to load TOML from {MAIN}: expected containerd config version equal to or less than `3`, got `4`",
        ),
        (
            "2.1.9",
            V2 + 'required_plugins = ["io.containerd.grpc.v1.cri"]\n' + config_path(OLD) + mirrors(OLD),
            "load required plugin io.containerd.grpc.v1.cri: unable to load CRI image service plugin dependency: "
            "invalid cri image config: `mirrors` cannot be set when `config_path` is provided",
        ),
        (
            "2.1.9",
            V2 + 'required_plugins = ["io.containerd.cri.v1.images"]\n' + config_path(OLD) + mirrors(OLD),
            "load required plugin io.containerd.cri.v1.images: invalid cri image config: "
            "`mirrors` cannot be set when `config_path` is provided",
        ),
        ("2.1.9", V2 + 'imports = ["/nowhere"]\n', "open /nowhere: no such file or directory"),
    ],
)
def test_the_reason_is_in_containerds_words(runs: str, main: str, reason: str) -> None:
    assert predict(file_set(main), version(runs)).reason == reason


@pytest.mark.parametrize("runs", VERSIONS)
def test_a_port_that_is_none_ends_the_daemon_soon_after_its_start(runs: str) -> None:
    prediction = predict(file_set(V2 + f'[{OLD}]\nstream_server_port = "99999"\n'), version(runs))
    assert prediction.cri == "dead"
    assert prediction.reason.endswith("listen tcp: address 99999: invalid port")


def test_a_newer_drop_in_ends_2_3_4() -> None:
    files = file_set(V2 + IMPORTS, V3)
    said = (
        "drop-in config version 3 higher than root config version 2: "
        "/etc/containerd/conf.d/0.toml and /etc/containerd/config.toml"
    )
    assert predict(files, version("2.3.4")) == Prediction("dead", said)


@pytest.mark.parametrize("runs", VERSIONS)
def test_without_a_main_file_there_are_the_defaults(runs: str) -> None:
    unread = {"/etc/containerd/conf.d/a.toml": "not TOML"}
    assert predict(FileSet(MAIN, unread), version(runs)) == Prediction("ok", "")


@pytest.mark.parametrize("runs", VERSIONS)
@pytest.mark.parametrize("plugin", [OLD, NEW])
def test_no_reason_tells_a_secret(runs: str, plugin: str) -> None:
    secrets = (
        f'[{plugin}.registry.auths."https://u:hunter2@a b"]\nusername = "u"\n',
        f"[{plugin}.registry.configs.a.auth]\npassword = ['hunter2']\n",
        f"[{plugin}.registry.configs.a.auth]\npassword = 'hunter2\n",
    )
    for text in secrets:
        assert "hunter2" not in predict(file_set(V2 + text), version(runs)).reason


@pytest.mark.parametrize(
    ("runs", "main", "names"),
    [
        (
            "1.7.24",
            V2 + f'[{OLD}.containerd.runtimes.runc]\nbase_runtime_spec = "/etc/spec.json"\n',
            ("/etc/spec.json",),
        ),
        (
            "2.1.9",
            V2 + f'[{OLD}.containerd.runtimes.runc]\nbase_runtime_spec = "/etc/spec.json"\n',
            ("/etc/spec.json",),
        ),
        (
            "2.1.9",
            V2 + '[plugins."io.containerd.snapshotter.v1.devmapper"]\npool_name = "pool"\nbase_image_size = "1GB"\n',
            ("/dev/mapper/pool",),
        ),
        ("2.1.9", "not TOML", ()),
    ],
)
def test_files_that_must_be_there(runs: str, main: str, names: tuple[str, ...]) -> None:
    files = file_set(main)
    assert named_files(files, version(runs)) == names
    if names:
        assert predict(files, version(runs)).cri == "error"
        there = FileSet(files.main, files.texts, present=frozenset(names))
        assert predict(there, version(runs)) == Prediction("ok", "")


KEYS = st.sampled_from(["version", "plugins", "imports", "disabled_plugins", "required_plugins", "grpc", "debug", "a"])
VALUES = st.recursive(
    st.integers(-3, 5) | st.booleans() | st.floats(allow_nan=False) | st.sampled_from(["cri", "", "/x/*.toml", "["]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "cri", "registry"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_spelled, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_spelled(item)}' for key, item in value.items())}}}"
    return f'"{value}"' if isinstance(value, str) else str(value)


@settings(max_examples=200)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(VERSIONS))
def test_values_of_any_type_give_a_prediction(values: dict[str, object], runs: str) -> None:
    main = "".join(f"{key} = {_spelled(value)}\n" for key, value in values.items())
    assert predict(file_set(main, main), version(runs)).cri in {"ok", "error", "absent", "dead"}


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")), st.sampled_from(VERSIONS))
def test_any_bytes_give_a_prediction(content: bytes, runs: str) -> None:
    files = FileSet.of_bytes(MAIN, {MAIN: content, "/etc/containerd/conf.d/a.toml": content})
    assert predict(files, version(runs)).cri in {"ok", "error", "absent", "dead"}
