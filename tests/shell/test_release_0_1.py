"""Transactions of release 0.1 can be told, settled, rolled back and pruned.

``release_0_1/`` has what that release wrote on a node; @ROOT@ stands for the node's tree.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.node import BOOT, ScriptedNode
from tests.shell.staging import HOSTS, NEW_CONFIG, Change, sum_of

RUN = "20250601T000000Z-0a1b"
FILES = Path(__file__).parent / "release_0_1"
OLD_CONFIG = "version = 2\n"


class Old01:
    """A run of release 0.1 that replaced config.toml and added a hosts.toml, and was in the state ``state``."""

    def __init__(self, node: ScriptedNode, state: str) -> None:
        self.node = node
        self.directory = node.base / RUN
        self.hosts = node.root / "etc/containerd/certs.d/ghcr.io/hosts.toml"
        for name in ("rollback", "revert.service"):
            node.write(f"{self.directory}/{name}", (FILES / name).read_text().replace("@ROOT@", str(node.root)))
        swapped = state not in ("staged", "armed")
        rows = [
            f"hosts\tabsent\t{sum_of(HOSTS)}\t{node.config.parent}/.containerd-fleet-{RUN}-1\t{self.hosts}\n",
            f"config\t{sum_of(OLD_CONFIG)}\t{sum_of(NEW_CONFIG)}\t{node.config.parent}/.containerd-fleet-{RUN}-2\t{node.config}\n",
        ]
        texts = {
            "owner": "owner='bob@there'\nsince=2025\ndeadline=5\nboot=another\n",
            "facts": self._facts(),
            "manifest": "".join(rows),
            "undo": "".join(reversed(rows)),
            "created": f"{self.hosts.parent}\n{self.hosts.parent.parent}\n",
            "after/1": HOSTS,
            "after/2": NEW_CONFIG,
            f"before{node.config}": OLD_CONFIG,
            "state": f"{state}\n",
        }
        for name, text in texts.items():
            node.write(f"{self.directory}/{name}", text)
        node.write(f"{node.config.parent}/.containerd-fleet-{RUN}-2.before", OLD_CONFIG)
        if swapped:
            node.write(str(self.hosts), HOSTS)
            node.config.write_text(NEW_CONFIG)
        else:
            node.write(f"{node.config.parent}/.containerd-fleet-{RUN}-1.after", HOSTS)
            node.write(f"{node.config.parent}/.containerd-fleet-{RUN}-2.after", NEW_CONFIG)
        if state != "staged":
            (self.directory / "armed").write_text(f"{BOOT} 1030\n")
            (node.base / "current").symlink_to(RUN)
            unit = node.write("etc/systemd/system/containerd-fleet-revert.service", texts["owner"] + RUN)
            (unit.parent / "multi-user.target.wants").mkdir()
            (unit.parent / "multi-user.target.wants" / unit.name).symlink_to(f"../{unit.name}")

    def _facts(self) -> str:
        node = self.node
        return (
            f"binary={node.bin}/containerd\nversion='containerd github.com/containerd/containerd 1.7.24 abc'\n"
            f"ctr={node.bin}/ctr\nsocket=/s\nconfig={node.config}\nstate_directory=/run/containerd\n"
            "plugins=io.containerd.grpc.v1/cri\nkubelet=''\ncrictl=''\n"
        )

    @property
    def leftovers(self) -> list[str]:
        found = [str(path) for path in self.node.root.rglob("*containerd-fleet-*")]
        return [path for path in found if not path.startswith(str(self.node.base))]


def test_its_state_is_told(node: ScriptedNode) -> None:
    Old01(node, "verifying")
    values = node.run("status").values
    assert (values["run"], values["state"], values["owner"]) == (RUN, "verifying\n", "bob@there")
    assert (values["format"], values["reverts_in"]) == ("1\n", "30")


@pytest.mark.parametrize("state", ["armed", "swapping", "restarting", "verifying", "confirmed"])
def test_it_is_rolled_back_by_its_own_script(node: ScriptedNode, state: str) -> None:
    old = Old01(node, state)
    answer = node.run("rollback", "--run", RUN, "--within", "5")
    assert answer.code == 0, answer.values["lines"]
    assert node.config.read_text() == OLD_CONFIG
    assert not old.hosts.exists()
    assert answer.values["changed"] == ""
    assert (old.directory / "state").read_text() == "rolled_back\n"
    assert old.leftovers == []


def test_it_is_confirmed(node: ScriptedNode) -> None:
    old = Old01(node, "verifying")
    words = ("confirm", "--run", RUN, "--within", "5", "--silence", "5")
    answer = node.run(*words, stdin="go verify-again\ngo disarm\n")
    assert (answer.code, answer.stderr) == (0, "")
    assert node.config.read_text() == NEW_CONFIG
    assert (old.directory / "state").read_text() == "confirmed\n"
    assert old.leftovers == []


def test_it_is_discarded_where_it_was_staged(node: ScriptedNode) -> None:
    old = Old01(node, "staged")
    assert node.run("discard", "--run", RUN).code == 0
    assert not old.directory.exists()
    assert old.leftovers == []


def test_it_is_pruned_and_one_at_work_is_respected(node: ScriptedNode) -> None:
    old = Old01(node, "swapping")
    change = Change(node)
    assert f"run {RUN} of bob@there" in change.prepare().stderr
    (old.directory / "state").write_text("rolled_back\n")
    (node.base / "current").unlink()
    options = ("--run", "20260101T000000Z-0001", "--owned", "9", "--keep-runs", "1", "--keep-days", "1")
    assert node.run("prepare", *options, stdin=change.stdin).code == 0
    assert not old.directory.exists()
