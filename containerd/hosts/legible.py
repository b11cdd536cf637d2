"""Whether the containerd of a node reads a hosts.toml of ours: what it refuses or passes over is not written."""

from __future__ import annotations

from dataclasses import replace

from common import mask_urls
from containerd.hosts.existing import Site, Target
from containerd.hosts.hosts_toml import HostEntry, HostsToml, host_of
from containerd.hosts.reading import asked_at
from containerd.model import Refused, release_of

OTHER_ADDRESS = "give the cache host a host name or an IPv4 address (data.address in hosts.yaml), or upgrade containerd"


def is_legible(site: Site, path: str, entry: HostEntry) -> bool:
    """Return whether a file with this host has the server asked, at the path that is meant."""
    return site.asks(path, site.render(HostsToml(None, (entry,))), (entry,))


def legible(site: Site, path: str, file: HostsToml) -> HostsToml:
    """Return the file without the hosts that this containerd does not read there."""
    if not release_of(site.version).hosts.override_path and file.server and file.override_path:
        file = replace(file, server=f"https://{host_of(file.server)}", override_path=False)
    if not _illegible(site, path, file):
        return file
    return replace(file, hosts=tuple(entry for entry in file.hosts if is_legible(site, path, entry)))


def check_legible(site: Site, name: str, target: Target) -> None:
    """Raise Refused where this containerd would ignore the file of a registry, or ask other servers than it says."""
    if why := _illegible(site, target.path, target.file):
        bracket = any("[" in entry.url for entry in target.file.hosts)
        fix = OTHER_ADDRESS if bracket else f"write {target.path} by hand, or upgrade containerd"
        message = f"{name}: containerd {site.version} {why} if {target.path} were written: {fix}"
        raise Refused(mask_urls(message))


def _illegible(site: Site, path: str, file: HostsToml) -> str:
    """What this containerd does instead of what a file says; empty where it does that."""
    reading = site.reading(path, site.render(file))
    if reading.ignored:
        return f"would ignore the whole file ({reading.ignored})"
    asked = [asked_at(entry.url, override_path=entry.override_path) for entry in file.hosts]
    asked += [asked_at(file.server, override_path=file.override_path)] if file.server else []
    same = [each.at for each in reading.asked if each.serves_images] == asked
    return "" if same else "would ask other servers than the file names"
