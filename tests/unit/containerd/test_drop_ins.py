"""Configurations in several files: what is edited where, and what is refused."""

from __future__ import annotations

import pytest

from containerd.diagnose import diagnose
from containerd.loader import predict
from containerd.model import Decision, FileSet, Refused, Strategy
from tests.unit.containerd.samples import CONFIG, NEW, OLD, PRESENT, ROOT, decided, fileset, version

DROP_IN = "/etc/containerd/conf.d/50-registry.toml"
LATER = "/etc/containerd/conf.d/60-later.toml"
NVIDIA = "/etc/containerd/conf.d/99-nvidia.toml"
IMPORTS = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
SET = f'config_path = "{ROOT}"'
WILDCARD = f'[{OLD}.registry.mirrors."*"]\n  endpoint = ["https://old:5000"]\n'
RUNTIME = f'[{OLD}.containerd]\n  default_runtime_name = "runc"\n'
SANDBOX = f"[{OLD}]\n  sandbox_image = 'p'\n"
TABLE = f"[{OLD}.registry]\n  {SET}\n"


def changed(files: dict[str, str], runs: str, strategy: Strategy = Strategy.CONFIG_PATH) -> Decision:
    """The decision, proved to be the last one that these files need."""
    others = {**PRESENT, **files}
    decision = decided(others.pop(CONFIG), runs, strategy, others)
    after = {**PRESENT, **files, **decision.files}
    main = after.pop(CONFIG)
    assert predict(fileset(main, after), version(runs)).cri == "ok"
    assert not decided(main, runs, strategy, after).changed
    return decision


# id: (versions, the files, those that change)
CASES: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "1.x: a drop-in with another CRI table replaces the main file's": (
        "1.6.20 1.7.24",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: RUNTIME},
        {CONFIG: IMPORTS + TABLE, DROP_IN: f"{RUNTIME}\n{TABLE}"},
    ),
    "1.x: a drop-in with the mirrors": (
        "1.6.20 1.7.24",
        {CONFIG: IMPORTS, DROP_IN: WILDCARD},
        {DROP_IN: TABLE},
    ),
    "1.x: the last of several drop-ins holds, and no other one bites when it goes": (
        "1.6.20 1.7.24",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: WILDCARD, LATER: RUNTIME},
        {CONFIG: IMPORTS + TABLE, DROP_IN: TABLE, LATER: f"{RUNTIME}\n{TABLE}"},
    ),
    "1.x: a drop-in without CRI is left alone": (
        "1.6.20 1.7.24",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: "[debug]\n  level = 'info'\n"},
        {CONFIG: IMPORTS + TABLE},
    ),
    "2.x: mirrors go from all, config_path is set once": (
        "2.0.11 2.1.9 2.2.7 2.3.4",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: WILDCARD, LATER: RUNTIME},
        {CONFIG: IMPORTS + TABLE, DROP_IN: ""},
    ),
    "2.x: an empty config_path of a later file would win": (
        "2.0.11 2.1.9 2.2.7 2.3.4",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: f"[{OLD}.registry]\n  config_path = ''\n"},
        {CONFIG: IMPORTS + TABLE, DROP_IN: f"[{OLD}.registry]\n  {SET}\n"},
    ),
    "1.x: a drop-in that a tool writes, with a copy of the main file's section": (
        "1.6.20 1.7.24",
        {CONFIG: IMPORTS + SANDBOX + WILDCARD, NVIDIA: SANDBOX + WILDCARD},
        {CONFIG: IMPORTS + SANDBOX + TABLE, NVIDIA: SANDBOX + TABLE},
    ),
    "2.x: the same": (
        "2.0.11 2.1.9 2.2.7 2.3.4",
        {CONFIG: IMPORTS + SANDBOX + WILDCARD, NVIDIA: SANDBOX + WILDCARD},
        {CONFIG: IMPORTS + SANDBOX + TABLE, NVIDIA: SANDBOX},
    ),
    "2.x: config_path of two files": (
        "2.0.11 2.1.9 2.2.7 2.3.4",
        {CONFIG: f"{IMPORTS}[{OLD}.registry]\n  config_path = '/x'\n", DROP_IN: TABLE},
        {CONFIG: f"{IMPORTS}{TABLE}"},
    ),
    "2.x, version 3": (
        "2.0.11 2.1.9 2.3.4",
        {
            CONFIG: IMPORTS.replace("2", "3", 1),
            DROP_IN: WILDCARD.replace(OLD, NEW).replace("[", "version = 3\n[", 1),
        },
        {
            CONFIG: f"{IMPORTS.replace('2', '3', 1)}\n[{NEW}.registry]\n  {SET}\n",
            DROP_IN: "version = 3\n",
        },
    ),
    "2.3 takes each file by itself": (
        "2.3.4",
        {CONFIG: IMPORTS.replace("2", "3", 1), DROP_IN: "version = 2\n" + WILDCARD},
        {CONFIG: f"{IMPORTS.replace('2', '3', 1)}\n[{NEW}.registry]\n  {SET}\n", DROP_IN: "version = 2\n"},
    ),
}


@pytest.mark.parametrize(
    ("name", "runs"), [(name, runs) for name, (versions, _, _) in CASES.items() for runs in versions.split()]
)
def test_what_is_edited_where(name: str, runs: str) -> None:
    _, files, after = CASES[name]
    assert dict(changed(files, runs).files) == after


def test_imported_files_are_written_before_the_main_one() -> None:
    files = {CONFIG: IMPORTS + WILDCARD, DROP_IN: WILDCARD, LATER: WILDCARD}
    assert list(changed(files, "1.7.24").files) == [LATER, DROP_IN, CONFIG]
    assert changed(files, "1.7.24").reason == f"config_path {ROOT}: config.toml and 50-registry.toml and 60-later.toml"


def test_what_does_not_hold_is_not_carried() -> None:
    mirror = f'[{OLD}.registry.mirrors."quay.io"]\n  endpoint = ["http://%s"]\n'
    files = {CONFIG: IMPORTS + mirror % "main", DROP_IN: mirror % "drop-in"}
    for runs in ("1.7.24", "2.1.9"):
        decision = changed(files, runs)
        text = decision.files[f"{ROOT}/quay.io/hosts.toml"]
        assert "http://drop-in" in text
        assert "http://main" not in text
        assert [(each.key.startswith(DROP_IN), each.outcome) for each in decision.accounting] == [
            (False, "removed"),
            (True, "moved"),
        ]


@pytest.mark.parametrize("runs", ["1.7.24", "2.1.9"])
@pytest.mark.parametrize(
    ("path", "code"), [(DROP_IN, None), (NVIDIA, "drop-in-rewritten"), ("/srv/registry.toml", "drop-in-outside")]
)
def test_whose_file_it_is_is_noted(path: str, code: str | None, runs: str) -> None:
    decision = changed({CONFIG: f"version = 2\nimports = ['{path}']\n", path: WILDCARD}, runs)
    assert path in decision.files
    assert [finding.code for finding in decision.findings] == ([code] if code else [])


def test_the_strategy_mirrors_on_1x_writes_the_file_that_holds() -> None:
    decision = changed({CONFIG: IMPORTS + WILDCARD, DROP_IN: RUNTIME}, "1.7.24", Strategy.MIRRORS)
    assert '"*"' not in decision.files[CONFIG]
    assert decision.files[DROP_IN].count("endpoint") == 2


def test_the_strategy_mirrors_on_2x_writes_where_mirrors_are() -> None:
    mirror = f'[{OLD}.registry.mirrors."ghcr.io"]\n  endpoint = ["http://x"]\n'
    decision = changed({CONFIG: IMPORTS + mirror, DROP_IN: WILDCARD}, "2.1.9", Strategy.MIRRORS)
    assert 'endpoint = ["http://10.0.20.10:5010"]' in decision.files[CONFIG]
    assert decision.files[DROP_IN].count("endpoint") == 2


# id: (version, the files, words of the refusal)
REFUSED: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "a version 3 drop-in makes the main file's tables vanish": (
        "2.1.9",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: "version = 3\n"},
        [DROP_IN, "is version 3", "none of the CRI settings", CONFIG, "#12891", "same version"],
    ),
    "2.3.4 does not start on it": (
        "2.3.4",
        {CONFIG: IMPORTS + WILDCARD, DROP_IN: "version = 3\n"},
        ["does not start", "drop-in config version 3 higher than root config version 2", DROP_IN, CONFIG],
    ),
    "a version 2 drop-in replaces the registry of a version 3 main file": (
        "2.1.9",
        {CONFIG: IMPORTS.replace("2", "3", 1), DROP_IN: "version = 2\n" + WILDCARD},
        [DROP_IN, "is version 2", "registry settings of", "same version"],
    ),
    "version 3 below 1.7": (
        "1.7.24",
        {CONFIG: IMPORTS, DROP_IN: "version = 3\n"},
        ["does not start", "unsupported config version"],
    ),
    "version 3 below 1.6, which takes it": (
        "1.6.20",
        {CONFIG: IMPORTS, DROP_IN: "version = 3\n"},
        [DROP_IN, "write it as version 2"],
    ),
    "short names beside version 2": (
        "2.1.9",
        {CONFIG: IMPORTS, DROP_IN: "[plugins.cri.registry.mirrors.'*']\n  endpoint = ['http://o']\n"},
        [DROP_IN, "no `version`", "plugins.cri", "by hand to version 2"],
    ),
    "an import that is not there": (
        "1.7.24",
        {CONFIG: f"version = 2\nimports = ['{DROP_IN}']\n"},
        ["does not start", DROP_IN, "no such file"],
    ),
    "a type in a drop-in": (
        "2.1.9",
        {CONFIG: IMPORTS, DROP_IN: f"[{OLD}.registry]\nmirrors = 1\n"},
        ["mirrors"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_what_to_do(name: str) -> None:
    runs, files, words = REFUSED[name]
    with pytest.raises(Refused) as raised:
        changed(files, runs)
    assert [word for word in words if word not in str(raised.value)] == []
    assert "\n" not in str(raised.value)


def test_a_drop_in_that_is_not_toml_is_named() -> None:
    with pytest.raises(Refused, match=DROP_IN):
        changed({CONFIG: IMPORTS, DROP_IN: "{{"}, "1.7.24")


@pytest.mark.parametrize("runs", ["1.7.24", "2.2.7"])
@pytest.mark.parametrize(
    ("main", "dropin", "where"),
    [
        ("", f"version = 2\n\n[{OLD}.registry.mirrors.a]\nendpoint = [1]\n", "/etc/containerd/conf.d/a.toml:4"),
        ("", "version = 2\n[debug]\nlevel = 1\n", "/etc/containerd/conf.d/a.toml:3"),
        (f'[{OLD}]\nsandbox_image = ["a"]\n', "version = 2\n[debug]\n", f"{CONFIG}:4"),
        ("[grpc]\nuid = 'root'\n", "version = 2\n", f"{CONFIG}:4"),
    ],
)
def test_a_wrong_type_is_named_by_its_file_and_line(runs: str, main: str, dropin: str, where: str) -> None:
    texts = {CONFIG: f'version = 2\nimports = ["conf.d/*.toml"]\n{main}', "/etc/containerd/conf.d/a.toml": dropin}
    [finding] = [each for each in diagnose(FileSet(CONFIG, texts), version(runs)) if each.code == "daemon-dead"]
    assert finding.where == where
