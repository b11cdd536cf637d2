"""The inventory: read, checked whole before any connection, and turned into Nornir's objects."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nornir.core.inventory import ConnectionOptions, Defaults, Group, Groups, Host, Hosts, Inventory, ParentGroups
from pydantic import BaseModel, ValidationError

from containerd.model import Generation, Policy, Registry, Strategy, Version, VersionError, generation_of
from fleet.caches import CacheTable, cache_table
from fleet.checks import address_of, check_groups, check_hosts, check_name, check_registries, check_upstreams
from fleet.errors import InventoryError
from fleet.settings import DefaultsEntry, Extras, GroupEntry, HostEntry, RegistryEntry, TransactionSettings
from fleet.yaml_file import load_mapping

GENERATION_GROUPS = {f"containerd-{generation.value}": generation for generation in Generation}
RUNS = Path(__file__).resolve().parent.parent / "runs"
CACHES, WORKERS, CONTROL_PLANE = "caches", "workers", "control-plane"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Node:
    """A machine that runs containerd, as the inventory files it."""

    name: str
    generation: Generation
    strategy: Strategy
    groups: frozenset[str]

    @property
    def control_plane(self) -> bool:
        """Whether the node carries the control plane: such nodes change last and one by one."""
        return CONTROL_PLANE in self.groups


@dataclass(frozen=True)
class Fleet:
    """A checked inventory: the nodes in the order of hosts.yaml, the table of registries, Nornir's objects.

    ``runs`` is the directory of the controller's journals, ``rows`` the table as it is written. ``name`` is the
    inventory's own, or the real path of its directory.
    """

    directory: Path
    nodes: Mapping[str, Node]
    registries: tuple[Registry, ...]
    lab: bool
    inventory: Inventory
    transaction: TransactionSettings
    runs: Path
    caches: CacheTable
    rows: Mapping[str, RegistryEntry]
    name: str

    def policy_for(self, version: Version, strategy: Strategy | None) -> Policy:
        """Return what the inventory asks of a node of ``version``; ``strategy`` wins over its group's.

        A version that no group is for gets ``config_path``, and what decides refuses it.
        """
        try:
            group = self.inventory.groups.get(f"containerd-{generation_of(version).value}")
        except VersionError:
            group = None
        said = group.data.get("strategy") if group is not None else None
        return Policy(strategy or Strategy(said or Strategy.CONFIG_PATH), self.registries)

    @property
    def cache_hosts(self) -> tuple[str, ...]:
        """The machines that run the caches."""
        return tuple(name for name, host in self.inventory.hosts.items() if host.has_parent_group(CACHES))

    def address(self, cache_host: str) -> str:
        """Return the address, or name, that the nodes know a cache host by."""
        return address_of(self.inventory.hosts[cache_host])

    def endpoint(self, cache_host: str, port: int) -> str:
        """Return what the nodes ask of a cache host's port."""
        return _endpoint(self.address(cache_host), port)

    @property
    def machines(self) -> tuple[str, ...]:
        """The hosts that run containerd, filed under a generation or not yet."""
        caches = {name for name, host in self.inventory.hosts.items() if host.has_parent_group(CACHES)}
        return tuple(name for name in self.inventory.hosts if name in self.nodes or name not in caches)

    def policy(self, name: str) -> Policy:
        """Return what the inventory asks of the node ``name``."""
        return Policy(self.nodes[name].strategy, self.registries)


def load(directory: Path, *, filed: bool = True) -> Fleet:
    """Read hosts.yaml, groups.yaml and defaults.yaml of ``directory`` and check everything in them.

    With ``filed=False`` a node need not be in exactly one generation group yet; it is then not among ``nodes``.
    Raises ``InventoryError`` naming the file, the host and the key of the first mistake.
    """
    defaults = _model(DefaultsEntry, load_mapping(directory / "defaults.yaml"), directory / "defaults.yaml", None)
    groups = _entries(GroupEntry, directory / "groups.yaml")
    hosts = _entries(HostEntry, directory / "hosts.yaml")
    check_registries(defaults, directory / "defaults.yaml")
    check_groups(groups, directory / "groups.yaml")
    inventory = _nornir_inventory(hosts, groups, defaults, directory)
    check_hosts(inventory, directory / "hosts.yaml")
    check_upstreams(inventory, defaults.data.registries, directory / "defaults.yaml")
    return Fleet(
        directory,
        _nodes(inventory, directory, filed),
        _registries(inventory, defaults),
        defaults.data.lab,
        inventory,
        defaults.data.transaction,
        _runs(directory, defaults.data.runs),
        cache_table(defaults.data.registries, defaults.data.caches, directory / "defaults.yaml"),
        defaults.data.registries,
        defaults.data.name or str(directory.resolve()),
    )


def _runs(directory: Path, setting: str | None) -> Path:
    """Return where journals are kept: the setting, relative to the inventory, or runs/ beside main.py."""
    return RUNS if setting is None else directory / Path(setting).expanduser()


def _entries(model: type[Model], path: Path) -> dict[str, Model]:
    entries = load_mapping(path)
    for name in entries:
        check_name(name, path)
    return {name: _model(model, body or {}, path, name) for name, body in entries.items()}


def _model(model: type[Model], body: Any, path: Path, host: str | None) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InventoryError(_explain(model, first), str(path), host, key or None) from None


def _explain(model: type[BaseModel], error: Any) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    known = _known_keys(model, error["loc"][:-1])
    near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
    return "unknown key" + (f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(known)}")


def _known_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    for part in location:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        arguments = getattr(annotation, "__args__", ())
        inner = next((a for a in (annotation, *arguments) if isinstance(a, type) and issubclass(a, BaseModel)), None)
        model = inner or model
    return list(model.model_fields)


def _nornir_inventory(
    hosts: Mapping[str, HostEntry], groups: Mapping[str, GroupEntry], defaults: DefaultsEntry, directory: Path
) -> Inventory:
    nornir_groups = Groups({name: Group(name=name, **_attributes(entry)) for name, entry in groups.items()})
    for name, entry in groups.items():
        nornir_groups[name].groups = ParentGroups(nornir_groups[parent] for parent in entry.groups)
    nornir_defaults = Defaults(
        hostname=defaults.hostname, port=defaults.port or 22, username=defaults.username, platform="linux"
    )
    nornir_hosts = Hosts()
    for name, host in hosts.items():
        for group in host.groups:
            if group not in nornir_groups:
                known = ", ".join(nornir_groups)
                raise InventoryError(
                    f"unknown group {group!r}; groups.yaml has {known}", str(directory / "hosts.yaml"), name, "groups"
                )
        parents = ParentGroups(nornir_groups[group] for group in host.groups)
        nornir_hosts[name] = Host(name=name, groups=parents, defaults=nornir_defaults, **_attributes(host))
    _merge_extras(nornir_hosts, hosts, groups, defaults)
    return Inventory(hosts=nornir_hosts, groups=nornir_groups, defaults=nornir_defaults)


def _attributes(entry: GroupEntry) -> dict[str, Any]:
    data = entry.data.model_dump(exclude_none=True)
    return {"hostname": entry.hostname, "port": entry.port, "username": entry.username, "data": data}


def _merge_extras(
    hosts: Hosts, entries: Mapping[str, HostEntry], groups: Mapping[str, GroupEntry], defaults: DefaultsEntry
) -> None:
    """Nornir takes the first ``extras`` it finds whole (nornir #452); here each key is inherited on its own."""
    for name, host in hosts.items():
        chain = [defaults, *(groups[group.name] for group in reversed(host.extended_groups())), entries[name]]
        merged: dict[str, Any] = {}
        for entry in chain:
            merged |= entry.connection_options.netmiko.extras.model_dump(exclude_none=True)
        host.connection_options["netmiko"] = ConnectionOptions(
            platform="linux", extras=Extras.model_validate(merged).model_dump()
        )


def _nodes(inventory: Inventory, directory: Path, filed: bool) -> dict[str, Node]:
    nodes = {}
    for name, host in inventory.hosts.items():
        groups = frozenset(group.name for group in host.extended_groups())
        generations = [GENERATION_GROUPS[group] for group in sorted(groups) if group in GENERATION_GROUPS]
        if (not generations and CACHES in groups) or (len(generations) != 1 and not filed):
            continue
        if len(generations) != 1:
            has = "is in none" if not generations else "is in " + " and ".join(g.value for g in generations)
            message = f"a node belongs to exactly one of {', '.join(GENERATION_GROUPS)}; this one {has}"
            raise InventoryError(message, str(directory / "hosts.yaml"), name, "groups")
        if host.get("strategy") is None:
            message = f"no strategy; give containerd-{generations[0].value} one of {', '.join(Strategy)}"
            raise InventoryError(message, str(directory / "groups.yaml"), name, "data.strategy")
        nodes[name] = Node(name, generations[0], Strategy(host["strategy"]), groups)
    return nodes


def _registries(inventory: Inventory, defaults: DefaultsEntry) -> tuple[Registry, ...]:
    caches = [host for host in inventory.hosts.values() if host.has_parent_group(CACHES)]
    addresses = [address_of(host) for host in caches]
    return tuple(
        Registry(
            name,
            row.upstream,
            tuple(_endpoint(address, row.port) for address in addresses),
            defaults.data.dial_timeout,
        )
        for name, row in defaults.data.registries.items()
    )


def _endpoint(address: str, port: int) -> str:
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"
