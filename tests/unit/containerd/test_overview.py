"""What an audit shows of the registry settings that hold."""

from __future__ import annotations

import pytest

from containerd.config import Overview, overview
from containerd.model import FileSet
from tests.unit.containerd.samples import CONFIG, OLD, version

DROP_IN = "/etc/containerd/conf.d/a.toml"
MAIN = f"""\
version = 2
imports = ["conf.d/*.toml"]
[{OLD}.registry]
  config_path = "/etc/containerd/certs.d"
[{OLD}.registry.configs."r.example".auth]
  password = "hunter2"
[{OLD}.registry.configs."s.example".tls]
  insecure_skip_verify = true
"""
MIRROR = f"""\
version = 2
[{OLD}.registry.mirrors."*"]
  endpoint = ["https://me:hunter2@old"]
"""
SAYS = (("*", ("https://****@old",)),)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        # 1.x takes the drop-in's plugin table for the whole of it, 2.x merges the two.
        ("1.7.24", Overview("", SAYS, (), (), {'mirrors."*"': f"{DROP_IN}:3"})),
        (
            "2.1.9",
            Overview(
                "/etc/containerd/certs.d",
                SAYS,
                ("r.example",),
                ("s.example",),
                {
                    "config_path": f"{CONFIG}:4",
                    'mirrors."*"': f"{DROP_IN}:3",
                    'configs."r.example".auth': f"{CONFIG}:6",
                    'configs."s.example".tls': f"{CONFIG}:8",
                },
            ),
        ),
    ],
)
def test_what_holds_of_all_files_and_which_line_wins(runs: str, expected: Overview) -> None:
    found = overview(FileSet(CONFIG, {CONFIG: MAIN, DROP_IN: MIRROR}), version(runs))
    assert found == expected
    assert "hunter2" not in repr(found)


def test_nothing_holds_where_the_daemon_does_not_start() -> None:
    assert overview(FileSet(CONFIG, {CONFIG: "["}), version("2.1.9")) == Overview()
