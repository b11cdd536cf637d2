"""What becomes of files that are not written: some are kept, some are read from now on, and some no longer."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping

from common import Finding, Severity
from containerd.config import Sources
from containerd.hosts import HostsPlan, Site

_CERTIFICATES = (".crt", ".cert", ".key")


def side_effects(site: Site, plan: HostsPlan, roots: tuple[str, ...], names: Collection[str]) -> Iterator[Finding]:
    """A finding for each file; `roots` are the directories that are read today, `names` all files of the node."""
    root = site.root.rstrip("/")
    if root not in roots:
        yield from _awakened(site, plan)
    yield from _put_to_sleep(site, tuple(f"{each}/" for each in roots if each != root))
    if root in roots:
        yield from _bystanders(site, plan)
        yield from _shadowed(site, plan, names)


def _awakened(site: Site, plan: HostsPlan) -> Iterator[Finding]:
    reported = {finding.where for finding in plan.findings}
    for path in site.below():
        if path not in plan.files and path not in reported:
            message = f"{path} is there, unread until now, and takes effect with config_path"
            fix = "read it, and delete it if it is not meant"
            yield Finding("dormant-hosts-toml", Severity.WARNING, path, message, fix)


def _bystanders(site: Site, plan: HostsPlan) -> Iterator[Finding]:
    reported = {finding.where for finding in plan.findings}
    for path in site.below():
        if path not in plan.files and path not in reported and site.own(path) is None:
            message = f"{path} was not written by this tool, is of no registry of the table, and is kept"
            yield Finding("foreign-hosts-toml", Severity.NOTE, path, message, "nothing")


def _put_to_sleep(site: Site, roots: tuple[str, ...]) -> Iterator[Finding]:
    for path in site.present:
        if roots and path.startswith(roots):
            message = f"{path} is read today, by containerd's built-in config_path, and will not be"
            fix = f"move its directory below {site.root}"
            yield Finding("root-not-read", Severity.WARNING, path, message, fix)


def _shadowed(site: Site, plan: HostsPlan, names: Collection[str]) -> Iterator[Finding]:
    """Certificates that lie in a registry's directory are read only while no hosts.toml is there."""
    new = {posixpath.dirname(path): path for path in plan.files if path not in site.present}
    for name in sorted(names):
        if posixpath.dirname(name) in new and name.endswith(_CERTIFICATES):
            path = new[posixpath.dirname(name)]
            message = f"{name} is read today, and will not be beside {path}"
            fix = f"name it in {path} after the run, as ca or client at its top, if {name} is needed"
            yield Finding("certificate-not-read", Severity.WARNING, name, message, fix)


_NVIDIA = "nvidia"


def notes_on_imports(sources: Sources, texts: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each changed file that lies elsewhere than the main one, or that a tool writes anew."""
    home = posixpath.dirname(sources.main.path) + "/"
    for path in texts:
        if _NVIDIA in posixpath.basename(path):
            message = f"{path} is changed; nvidia-container-toolkit writes it, with a copy of the whole CRI section"
            fix = "after an update of the toolkit see with `audit` that it still says the same"
            yield Finding("drop-in-rewritten", Severity.WARNING, path, message, fix)
        elif not path.startswith(home):
            message = f"{path} is changed; it is imported from outside {home}, and something else may write it"
            yield Finding(
                "drop-in-outside", Severity.WARNING, path, message, "see who writes it, and change it there too"
            )
