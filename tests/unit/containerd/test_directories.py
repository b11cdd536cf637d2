from __future__ import annotations

import pytest

from containerd.loader import Directories, directories
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


GRPC = '[grpc]\naddress = "/run/a/a.sock"\n'
PLUGIN = '[plugins."io.containerd.server.v1.grpc"]\naddress = "/run/b/b.sock"\n'
DEFAULT, A, B = DEFAULTS.socket, "/run/a/a.sock", "/run/b/b.sock"


@pytest.mark.parametrize(
    ("config", "up_to_2_2", "from_2_3"),
    [
        ("version = 2\n", DEFAULT, DEFAULT),
        ("version = 2\n" + GRPC, A, A),
        (GRPC, A, A),
        ('version = 2\n[grpc]\naddress = ""\n', DEFAULT, DEFAULT),
        ("version = 2\n" + GRPC + PLUGIN, A, B),
        ("version = 4\n" + GRPC, None, DEFAULT),
        ("version = 4\n" + PLUGIN, None, B),
    ],
)
def test_where_a_daemon_listens(config: str, up_to_2_2: str | None, from_2_3: str) -> None:
    if up_to_2_2:
        assert {directories(fileset(config), version(runs)).socket for runs in ("1.7.24", "2.2.7")} == {up_to_2_2}
    assert {directories(fileset(config), version(runs)).socket for runs in ("2.3.4", "2.4.0-beta.0")} == {from_2_3}
