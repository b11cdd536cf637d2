from __future__ import annotations

import pytest

from containerd.daemon.directories import Directories, directories
from tests.unit.containerd.samples import fileset, version

DEFAULTS = Directories("/var/lib/containerd", "/run/containerd")
IMPORTS = 'version = 2\nimports = ["/etc/containerd/a.toml"]\nroot = "/main"\n'


@pytest.mark.parametrize("runs", ["1.6.20", "1.7.24", "2.1.9", "2.3.4"])
@pytest.mark.parametrize(
    ("config", "drop_in", "found"),
    [
        ("", "", DEFAULTS),
        ("version = 2\n", "", DEFAULTS),
        ('version = 2\nroot = "/data/c"\nstate = "/run/c"\n', "", Directories("/data/c", "/run/c")),
        ("version = 2\nroot = 3\n", "", DEFAULTS),
        ("[", "", DEFAULTS),
        (IMPORTS, 'version = 2\nroot = "/drop-in"\n', Directories("/drop-in", "/run/containerd")),
    ],
)
def test_where_a_daemon_keeps_its_data(runs: str, config: str, drop_in: str, found: Directories) -> None:
    assert directories(fileset(config, {"/etc/containerd/a.toml": drop_in}), version(runs)) == found
