"""Regrouping keeps every byte of hosts.yaml but the group's name."""

from __future__ import annotations

import pytest

from fleet.regroup import regroup

GENERATIONS = ("containerd-1.6", "containerd-1.7", "containerd-2")
TEXT = """\
# the fleet
a: {hostname: 10.0.0.1,   groups: [workers, containerd-1.7]} # rack 1
b:
  hostname: 10.0.0.2
  groups:   # both kinds
    - workers
    - containerd-1.6   # old
c: {groups: [workers]}
d:
  groups:
    - workers
e: {hostname: 10.0.0.5}
f: {groups: [containerd-1.6, "containerd-1.7"]}
"""


@pytest.mark.parametrize(
    ("host", "old", "new"),
    [
        ("a", "[workers, containerd-1.7]", "[workers, containerd-2]"),
        ("b", "- containerd-1.6   # old", "- containerd-2   # old"),
        ("c", "[workers]", "[workers, containerd-2]"),
        ("d", "d:\n  groups:\n    - workers\n", "d:\n  groups:\n    - workers\n    - containerd-2\n"),
    ],
)
def test_one_group_changes_and_nothing_else(host: str, old: str, new: str) -> None:
    assert regroup(TEXT, {host: "containerd-2"}, GENERATIONS) == (TEXT.replace(old, new, 1), ())


def test_several_hosts_at_once() -> None:
    changed, left = regroup(TEXT, {"b": "containerd-1.7", "a": "containerd-2"}, GENERATIONS)
    assert changed == TEXT.replace("workers, containerd-1.7", "workers, containerd-2").replace(
        "containerd-1.6   #", "containerd-1.7   #"
    )
    assert left == ()


@pytest.mark.parametrize("host", ["e", "f", "not there"])
def test_what_cannot_be_edited_is_said(host: str) -> None:
    assert regroup(TEXT, {host: "containerd-2"}, GENERATIONS) == (TEXT, (host,))
