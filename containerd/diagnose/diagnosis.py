"""What is wrong with a node's configuration, or will bite later, each with its fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from common import Finding, Severity, mask_urls
from containerd.diagnose.file_checks import file_findings
from containerd.diagnose.hosts_checks import hosts_findings
from containerd.diagnose.registry_checks import registry_findings
from containerd.diagnose.subject import Subject
from containerd.loader import has_registry_types, merge, place_of_type_error, predict_merged
from containerd.model import Dead, FileSet, Version, doubt_of, is_known

_EXPLAINED = frozenset({"conflict", "built-in-config-path", "tls-conflict"})


def diagnose(files: FileSet, version: Version) -> tuple[Finding, ...]:
    """Everything that is to be said of these files on this version, errors first. Never raises."""
    try:
        merged = merge(files, version)
    except Dead:
        return (*state_findings(files, version), *doubts(files, version))
    subject = Subject(files, version, merged, predict_merged(merged, files, version))
    found = list(file_findings(subject))
    if has_registry_types(merged, version):
        found += [*registry_findings(subject), *hosts_findings(subject)]
    explained = any(finding.code in _EXPLAINED for finding in found)
    found += [*_outcome(subject, explained=explained), *doubts(files, version)]
    order = list(Severity)
    return tuple(map(_masked, sorted(found, key=lambda finding: order.index(finding.severity))))


def state_findings(files: FileSet, version: Version) -> tuple[Finding, ...]:
    """What is to be said where a daemon does not start on these files, or has no CRI. Never raises."""
    try:
        merged = merge(files, version)
    except Dead as reason:
        return (_masked(_dead(version, reason.where or f"{files.main}:1", str(reason))),)
    subject = Subject(files, version, merged, predict_merged(merged, files, version))
    return tuple(map(_masked, _outcome(subject, explained=True)))


def doubts(files: FileSet, version: Version) -> Iterator[Finding]:
    """What makes everything else that is said of this version uncertain."""
    if doubt := doubt_of(version):
        permit = "try it on a node of this version first; --accept-loss unknown-release rolls out all the same"
        fix = "upgrade containerd first: no rollout takes this version" if is_known(version) else permit
        yield Finding("unknown-release", Severity.WARNING, f"{files.main}:1", doubt, fix, blocks=True)


def _outcome(subject: Subject, *, explained: bool) -> Iterator[Finding]:
    state, reason = subject.prediction.cri, subject.prediction.reason
    if state == "dead":
        place = place_of_type_error(reason, subject.merged, subject.files, subject.version)
        yield _dead(subject.version, f"{subject.files.main}:1" if place is None else str(place), reason)
    elif state == "error" and not explained:
        where = f"{subject.files.main}:1"
        yield Finding("cri-error", Severity.ERROR, where, f"CRI does not load: {reason}", "correct what it names")
    elif state == "absent":
        where = subject.where("disabled_plugins")
        message = f"CRI is disabled in these files ({reason})" if reason else "CRI is disabled in these files"
        fix = "take cri out of disabled_plugins and restart containerd, or take the node out of the inventory"
        yield Finding("cri-disabled", Severity.WARNING, where, message, fix, blocks=True)


def _masked(finding: Finding) -> Finding:
    return replace(finding, message=mask_urls(finding.message), fix=mask_urls(finding.fix))


def _dead(version: Version, where: str, reason: str) -> Finding:
    message = f"containerd {version} does not start on these files: {reason}"
    return Finding("daemon-dead", Severity.ERROR, where, message, "correct what it names", blocks=True)
