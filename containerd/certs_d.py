"""Which hosts.toml files a node gets: one per registry of the table, and one per other mirror that it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from containerd.errors import Refused
from containerd.hosts_toml import HostEntry, HostsRenderer, HostsToml, from_endpoints, host_dir
from containerd.policy import Registry
from containerd.secrets import mask_urls
from containerd.tables import Mirrors


@dataclass(frozen=True)
class HostsPlan:
    """The hosts.toml files that a node is to have, by absolute path, and what the operator should know about them."""

    files: Mapping[str, str]
    notes: tuple[str, ...]

    def changed(self, present: Mapping[str, str]) -> dict[str, str]:
        """The files that are not there yet with this text."""
        return {path: text for path, text in self.files.items() if present.get(path) != text}


def plan_hosts(
    root: str,
    mirrors: Mirrors,
    present: Mapping[str, str],
    registries: tuple[Registry, ...],
    render: HostsRenderer,
) -> HostsPlan:
    """Plan the files below `root`; `present` are the ones on the node.

    Raises Refused for a mirror that cannot be carried.
    """
    notes: list[str] = []
    files: dict[str, str] = {}
    for registry in registries:
        path = _path(root, host_dir(registry.name))
        hosts = tuple(HostEntry(endpoint) for endpoint in registry.endpoints)
        files[path] = render(HostsToml(registry.upstream, hosts))
        if present.get(path, files[path]) != files[path]:
            notes.append(f"{path} is there already and is replaced")
    named = {registry.name for registry in registries}
    for name, endpoints in mirrors.items():
        if name != "*" and name not in named:
            carried = _carried(root, name, endpoints, present, render)
            files.update(carried.files)
            notes += carried.notes
    return HostsPlan(files, tuple(notes))


def with_awakened(plan: HostsPlan, root: str, present: Mapping[str, str]) -> HostsPlan:
    """Add a note for every other file below `root`, when containerd does not read them today, and will."""
    below = root.rstrip("/") + "/"
    awakened = (path for path in present if path.startswith(below) and path not in plan.files)
    notes = (f"{path} is there, unread until now, and takes effect with config_path" for path in awakened)
    return HostsPlan(plan.files, (*plan.notes, *notes))


def _carried(
    root: str, name: str, endpoints: tuple[str, ...], present: Mapping[str, str], render: HostsRenderer
) -> HostsPlan:
    if not endpoints:
        return HostsPlan({}, (f'mirrors."{name}" has no endpoint: {name} is pulled from its upstream, as before',))
    _check_name(name)
    mapped = from_endpoints(name, endpoints)
    path, text = _path(root, host_dir(name)), render(mapped.hosts_toml)
    there = next((place for place in (path, _path(root, name)) if place in present), path)
    if present.get(there, text) != text:
        raise Refused(
            f'mirrors."{name}" would be carried into {there}, which is there already and says something else: '
            "merge the two by hand, delete the mirror from config.toml, and run again"
        )
    return HostsPlan({there: text}, (*mapped.notes, f'carried: mirrors."{name}" into {there}'))


def _check_name(name: str) -> None:
    if "/" in name or name in {"", ".", ".."} or not name.isprintable() or any(letter in name for letter in "\"'\\ "):
        shown = mask_urls(repr(name))
        raise Refused(f"a mirror is named {shown}, which no image reference can name: delete it, and run again")


def _path(root: str, directory: str) -> str:
    return f"{root.rstrip('/')}/{directory}/hosts.toml"
