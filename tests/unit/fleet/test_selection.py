"""Which nodes a command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.errors import UsageError
from fleet.inventory import load
from fleet.selection import Selection

FLEET = load(Path(__file__).parents[3] / "inventory")
WORKERS = ("worker-1", "worker-2", "worker-3", "worker-4", "worker-5")


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(groups=["workers"]), WORKERS),
        (Selection(groups=["containerd-2", "containerd-1.7"]), WORKERS[1:]),
        (Selection(everything=True), ("k8s-master", *WORKERS)),
        (Selection(hosts=["worker-4", "worker-2"]), ("worker-2", "worker-4")),
        (Selection(groups=["workers"], limit=["worker-3"]), ("worker-3",)),
    ],
)
def test_nodes_are_selected_in_inventory_order(selection: Selection, names: tuple[str, ...]) -> None:
    assert selection.names(FLEET) == names


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(), "say which nodes"),
        (Selection(groups=["workers"], everything=True), "say which nodes"),
        (Selection(groups=["worker"]), "unknown group 'worker'"),
        (Selection(hosts=["worker-9"]), "'worker-9' is not there"),
        (Selection(hosts=["registry-vm"]), "not a node but a cache host"),
        (Selection(groups=["workers"], limit=[]), "no node is named"),
        (Selection(groups=["workers"], limit=["worker-33"]), "'worker-33' is not there"),
        (Selection(groups=["caches"]), "no node is selected by --group caches"),
        (Selection(groups=["control-plane"], limit=["worker-1"]), "no node is selected"),
    ],
)
def test_what_selects_nothing_is_an_error(selection: Selection, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        selection.names(FLEET)
