"""Which nodes a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.inventory import Fleet


@dataclass(frozen=True)
class Selection:
    """What the command line names: groups, single hosts or everything, and a limit on top of it, if there is one."""

    groups: Sequence[str] = ()
    hosts: Sequence[str] = ()
    everything: bool = False
    limit: Sequence[str] | None = None

    def names(self, fleet: Fleet) -> tuple[str, ...]:
        """Return the selected nodes in the order of hosts.yaml.

        Raises ``UsageError`` when not exactly one way of selecting is used, a name is unknown, or nothing is left.
        """
        if sum((bool(self.groups), bool(self.hosts), self.everything)) != 1:
            raise UsageError("say which nodes: either --group (repeatable), or --host, or --all", key="selection")
        if self.limit is not None and not self.limit:
            raise UsageError("no node is named; leave the option out to take all that are selected", key="--limit")
        self._check_names(fleet)
        chosen = [name for name in fleet.nodes if self._takes(fleet, name)]
        if not chosen:
            raise UsageError(f"no node is selected by {self}", str(fleet.directory / "hosts.yaml"), key="selection")
        return tuple(chosen)

    def _takes(self, fleet: Fleet, name: str) -> bool:
        if self.limit is not None and name not in self.limit:
            return False
        return self.everything or name in self.hosts or any(g in fleet.nodes[name].groups for g in self.groups)

    def _check_names(self, fleet: Fleet) -> None:
        for group in self.groups:
            if group not in fleet.inventory.groups:
                known = ", ".join(fleet.inventory.groups)
                message = f"unknown group {group!r}; there are {known}"
                raise UsageError(message, str(fleet.directory / "groups.yaml"), key="--group")
        for option, names in (("--host", self.hosts), ("--limit", self.limit or ())):
            for name in names:
                if name not in fleet.nodes:
                    what = "is not a node but a cache host" if name in fleet.inventory.hosts else "is not there"
                    raise UsageError(f"{name!r} {what}", str(fleet.directory / "hosts.yaml"), name, option)

    def __str__(self) -> str:
        words = ["--all"] if self.everything else []
        words += [f"--group {group}" for group in self.groups] + [f"--host {host}" for host in self.hosts]
        return " ".join(words + ([f"--limit {','.join(self.limit)}"] if self.limit else []))
