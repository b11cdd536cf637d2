"""The decision without a node: what would become of a config.toml, or of a whole /etc/containerd."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from common import Finding, distinct, unified_diff
from containerd.decide import decide
from containerd.diagnose import diagnose
from containerd.hosts import tls_files
from containerd.loader import Prediction, named_files, predict
from containerd.model import MAIN, ContainerdError, Decision, FileSet, Policy, Version
from containerd.probe import managed_by
from fleet.errors import UsageError
from fleet.screen import Screen
from templates import render_hosts_toml

HOME = str(Path(MAIN).parent)
_PERMISSIONS = 0o777


@dataclass(frozen=True)
class Conversion:
    """What would become of the files ``before``; ``after`` are the same with what changes written over them.

    ``modes`` are the permissions of the files that were read, by their path on the node.
    """

    version: Version
    before: FileSet
    after: FileSet
    decision: Decision
    now: Prediction
    then: Prediction
    findings: tuple[Finding, ...]
    modes: Mapping[str, int]

    @property
    def diff(self) -> str:
        """The change of every file as one unified diff, secrets masked."""
        changes = self.decision.files.items()
        return "".join(unified_diff(path, self.before.text(path), text) for path, text in changes)

    def show(self, screen: Screen) -> None:
        """Print it for people: the change, what becomes of every setting, the findings, CRI before and after."""
        screen.diff(self.diff)
        for line in self._lines():
            screen.say(line)

    def _lines(self) -> Iterator[str]:
        for entry in self.decision.accounting:
            yield f"{entry.outcome}: {entry.key} → {entry.to}"
        yield from map(str, self.findings)
        yield f"containerd {self.version.text}, strategy {self.decision.strategy.value}: {self.decision.reason}"
        yield f"CRI before: {_said(self.now)}; after: {_said(self.then)}"

    def as_json(self) -> str:
        """Return the conversion as one JSON document; its files are exact, secrets and all."""
        told = {
            "containerd": self.version.text,
            "strategy": self.decision.strategy.value,
            "changed": self.decision.changed,
            "before": asdict(self.now),
            "after": asdict(self.then),
            "files": dict(self.decision.files),
            "findings": [asdict(finding) for finding in self.findings],
            "accounting": [asdict(entry) for entry in self.decision.accounting],
        }
        return json.dumps(told, indent=2)


@dataclass(frozen=True)
class Refusal:
    """Why nothing can be converted, and what containerd does with the files as they are."""

    reason: str
    version: Version
    now: Prediction

    def show(self, screen: Screen) -> None:
        """Print it for people."""
        screen.say(f"refused: {self.reason}")
        screen.say(f"containerd {self.version.text}: CRI before: {_said(self.now)}")

    def as_json(self) -> str:
        """Return the refusal as one JSON document."""
        return json.dumps(
            {"refused": self.reason, "containerd": self.version.text, "before": asdict(self.now)}, indent=2
        )


def _said(prediction: Prediction) -> str:
    return f"{prediction.cri} ({prediction.reason})" if prediction.reason else prediction.cri


def convert(source: Path, version: Version, policy: Policy) -> Conversion | Refusal:
    """Decide for a file, or for a directory that stands for /etc/containerd. Connects nowhere, writes nothing.

    Raises ``UsageError`` where the source cannot be read.
    """
    paths = _paths(source)
    files = FileSet.of_bytes(MAIN, _read(source, paths))
    # Nothing is known of the node's other files: what its configuration names is taken to be there.
    files = replace(files, present=frozenset(named_files(files, version)) | tls_files(files, version))
    now = predict(files, version)
    owner = managed_by(f"containerd containerd {version.text}", ())
    if owner is not None:
        return Refusal(owner.refusal, version, now)
    try:
        decision = decide(files, version, policy, render_hosts_toml)
    except ContainerdError as error:
        return Refusal(str(error), version, now)
    after = FileSet(files.main, {**files.texts, **decision.files}, files.present)
    findings = distinct((*decision.findings, *diagnose(files, version), *decision.losses))
    modes = {path: file.stat().st_mode & _PERMISSIONS for path, file in paths.items()}
    return Conversion(version, files, after, decision, now, predict(after, version), findings, modes)


def write(files: Mapping[str, str], directory: Path, modes: Mapping[str, int]) -> tuple[Path, ...]:
    """Write files of a node below ``directory``, which stands for /etc/containerd; return where they are now.

    A file from elsewhere on the node goes below ``directory`` with its whole path. A file keeps the permissions that
    ``modes`` has for it. Nothing is written outside of ``directory``, through a symbolic link or otherwise. Raises
    ``UsageError``.
    """
    targets = {path: directory / path.removeprefix(f"{HOME}/").lstrip("/") for path in files}
    for target in targets.values():
        _check_inside(target, directory)
    for path, target in targets.items():
        try:
            _write(target.resolve(), files[path].encode(), modes.get(path))
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", str(target), key="--output") from None
    return tuple(targets.values())


def _check_inside(target: Path, directory: Path) -> None:
    try:
        real, root = target.resolve(), directory.resolve()
    except (OSError, RuntimeError):
        raise UsageError("cannot be written: its links go in a circle", str(target), key="--output") from None
    if not real.is_relative_to(root):
        message = f"leads to {real}, outside of {directory}: remove the link, or name another directory"
        raise UsageError(message, str(target), key="--output")
    if real.exists() and not real.is_file():
        raise UsageError("is there and is no file: remove it, or name another directory", str(target), key="--output")


def _write(target: Path, content: bytes, mode: int | None) -> None:
    """Write a file by a rename, so that nobody reads a secret before the file has its permissions."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if mode is None and target.exists():
        mode = target.stat().st_mode & _PERMISSIONS
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".containerd-fleet-") as directory:
        new = Path(directory, target.name)
        new.write_bytes(content)
        if mode is not None:
            new.chmod(mode)
        new.replace(target)


def _paths(source: Path) -> dict[str, Path]:
    """The files of a source, by their path on the node."""
    try:
        if source.is_dir():
            main = source / "config.toml"
            if main.exists() and not main.is_file():
                raise UsageError("cannot be read: not a file", str(main))
            return {_on_the_node(path.relative_to(source)): path for path in _found(source)}
        if source.exists() and not source.is_file():
            raise UsageError("cannot be read: neither a file nor a directory", str(source))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", str(error.filename or source)) from None
    return {MAIN: source}


def _read(source: Path, paths: Mapping[str, Path]) -> dict[str, bytes]:
    try:
        return {name: path.read_bytes() for name, path in paths.items()}
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", str(error.filename or source)) from None


def _on_the_node(path: Path) -> str:
    """Where a file of a directory that stands for /etc/containerd is on the node; ``write`` puts others below etc/."""
    return f"/{path.as_posix()}" if path.parts[0] == "etc" else f"{HOME}/{path.as_posix()}"


def _found(source: Path) -> list[Path]:
    """Every file below a directory, through symbolic links too, as containerd reads them; a link in a circle once."""
    found: list[Path] = []
    for directory, below, names in os.walk(source, followlinks=True, onerror=_unreadable):
        here = os.path.realpath(directory)
        below[:] = [n for n in below if not f"{here}/".startswith(f"{os.path.realpath(Path(directory, n))}/")]
        found += [path for name in names if (path := Path(directory, name)).is_file()]
    return sorted(found)


def _unreadable(error: OSError) -> None:
    raise error
