"""What becomes of files that are not written: some are kept, some are read from now on, and some no longer."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from common import Finding, Severity
from containerd.config import Sources
from containerd.hosts import HostsPlan, Site, hosts_file_findings


def side_effects(site: Site, plan: HostsPlan) -> Iterator[Finding]:
    """A finding for each file that is not written, and for what is wrong with those that will be read then."""
    root = site.root.rstrip("/")
    yield from _put_to_sleep(site, tuple(f"{each}/" for each in site.roots if each != root))
    yield from _not_written(site, plan, awake=root in site.roots)
    after = replace(site.files, texts={**site.files.texts, **plan.files})
    for path in plan.files:
        yield from (it for it in hosts_file_findings(path, after, site.version) if it.blocks)


def _not_written(site: Site, plan: HostsPlan, *, awake: bool) -> Iterator[Finding]:
    reported = {finding.where for finding in plan.findings}
    for path in site.below():
        if path in plan.files:
            continue
        its = tuple(hosts_file_findings(path, site.files, site.version))
        yield from (it for it in its if it.blocks or path not in reported)
        if path in reported:
            continue
        if not awake:
            message = f"{path} is there, unread until now, and takes effect with config_path"
            fix = "read it, and delete it if it is not meant"
            yield Finding("dormant-hosts-toml", Severity.WARNING, path, message, fix)
        elif site.own(path) is None and not any(it.code == "wildcard-default" for it in its):
            message = f"{path} was not written by this tool, is of no registry of the table, and is kept"
            yield Finding("foreign-hosts-toml", Severity.NOTE, path, message, "nothing")


def _put_to_sleep(site: Site, roots: tuple[str, ...]) -> Iterator[Finding]:
    for path in site.present:
        if roots and path.startswith(roots):
            message = f"{path} is read today, by containerd's built-in config_path, and will not be"
            fix = f"move its directory below {site.root}"
            yield Finding("root-not-read", Severity.WARNING, path, message, fix)


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
