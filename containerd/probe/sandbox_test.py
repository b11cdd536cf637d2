"""The sandbox test of a configuration: what the second containerd must not see of the node, and the verdict.

It is started on a read-only view of the node, in which these directories are empty and its own. What is missed here can
therefore do no harm to files; it can to whatever listens on a socket.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from common import mask_urls
from containerd.loader import readings
from containerd.model import FileSet, Generation, cri_health, failure_reason, parse_plugins

# What a containerd of any version uses without being told: where programs make temporary files, and the NRI plugins
# that it starts with CRI (containerd 1.7 and later).
ALWAYS = {
    "/run": "sockets, and the state of what runs",
    "/tmp": "temporary files",  # noqa: S108
    "/var/tmp": "temporary files",  # noqa: S108
    "/var/lib/containerd": "the default of root",
    "/opt/nri/plugins": "the default of plugin_path",
}
_DIRECTORIES = {"root", "state", "temp", "root_path", "plugin_path"}
# An empty database behind the socket of a proxy plugin has the garbage collector remove what that one holds.
_SOCKETS = {"address", "socket_path"}
# Without these nothing starts at all.
_SYSTEM = re.compile(r"/(bin|boot|etc|lib\w*|sbin|usr(/(bin|lib\w*|libexec|local(/s?bin|/lib)?|sbin|share))?)?")
_KERNEL = re.compile(r"/(dev|proc|sys)(/.*)?")


@dataclass(frozen=True)
class Cover:
    """A directory that is empty in the sandbox, and the setting that names it."""

    path: str
    why: str


@dataclass(frozen=True)
class Sandbox:
    """What is hidden from a second containerd: `covers`, parents first, and in them `needed`, which stays.

    `left` are directories that a configuration names and that stay as they are, read-only, since the system needs them.
    """

    covers: tuple[Cover, ...]
    needed: tuple[str, ...]
    left: tuple[Cover, ...]


def sandbox(configurations: Iterable[FileSet], programs: Iterable[str]) -> Sandbox:
    """Return what has to be hidden for all of these configurations; `programs` are containerd and ctr.

    Every file that may be imported counts, whatever wins in the end: covering too much does no harm.
    """
    sets = tuple(configurations)
    named = dict(ALWAYS)
    for files in sets:
        for file, text in files.texts.items():
            for path, why in _named(file, text):
                named.setdefault(path, why)
    covers = tuple(Cover(path, named[path]) for path in sorted(named, key=lambda path: path.split("/")))
    read = {path for files in sets for path in (*files.texts, *files.present) if not path.endswith("/hosts.toml")}
    needed = read | set(programs)
    return Sandbox(
        covers=tuple(cover for cover in covers if _coverable(cover.path)),
        needed=tuple(sorted(path for path in needed if path.startswith("/") and "\n" not in path)),
        left=tuple(cover for cover in covers if not _coverable(cover.path)),
    )


def _coverable(path: str) -> bool:
    """Whether a directory may be hidden: none that the system needs."""
    return not (_SYSTEM.fullmatch(path) or _KERNEL.fullmatch(path) or "\n" in path)


def _named(file: str, text: str) -> Iterator[tuple[str, str]]:
    """The directories that the tables of a file name; go-toml does not tell upper from lower case."""
    pending = list(readings(text))
    while pending:
        for key, value in pending.pop().items():
            if isinstance(value, Mapping):
                pending.append(value)
            elif isinstance(value, str) and value and (directory := _directory(key.lower(), value)):
                yield directory, f"{key} in {file}"


def _directory(key: str, value: str) -> str | None:
    if key in _DIRECTORIES:
        return _clean(value)
    if key in _SOCKETS and value.removeprefix("unix://").startswith("/"):
        return _clean(posixpath.dirname(value.removeprefix("unix://")))
    return None


def _clean(path: str) -> str:
    """An absolute path without detours: a daemon is started in /."""
    return "/" + posixpath.normpath(posixpath.join("/", path)).lstrip("/")


_LAST_WORDS = re.compile(r"^(?:containerd|panic|fatal error): .*|.*\blevel\"?[=:]\"?(?:fatal|panic)\b.*", re.MULTILINE)
_ERROR = re.compile(r"""\berror"?[=:]"((?:[^"\\]|\\.)*)\"""")
_MESSAGE = re.compile(r"""\bmsg"?[=:]"((?:[^"\\]|\\.)*)\"""")


class Verdict(Enum):
    """What a proof says."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Proof:
    """A verdict on a candidate, and the reason in containerd's own words; empty where it passed."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class Attempt:
    """One start of a second containerd.

    `plugins` and `details` are what `ctr plugins ls` printed, empty where it never answered; `log` has the lines in
    which it complained; `alive`: it still ran when it was killed; `seconds` is how long it had.
    """

    plugins: str
    details: str
    log: str
    alive: bool
    seconds: int

    def failure(self, generation: Generation) -> str | None:
        """Why a node of this generation cannot be run on it, on one line and without passwords; None where it can."""
        said = self._failure(generation)
        return None if said is None else mask_urls(" ".join(said.split()))

    def _failure(self, generation: Generation) -> str | None:
        if not self.alive:
            return _last_words(self.log) or "containerd exits without a word"
        if not self.plugins.strip():
            return f"containerd did not answer within {self.seconds} s"
        health = cri_health(parse_plugins(self.plugins), generation)
        return None if health.state == "ok" else failure_reason(self.details) or health.detail


def judge(candidate: str | None, live: str | None) -> Proof:
    """Return the verdict on a candidate from its failure and that of the live files, None where there is none.

    A failure that the live files do not share is the candidate's own; one that they share may be the sandbox's.
    """
    if candidate is None:
        return Proof(Verdict.PASSED, "")
    if candidate == live:
        return Proof(Verdict.INCONCLUSIVE, f"the live files fail alike: {candidate}")
    return Proof(Verdict.FAILED, candidate)


def _last_words(log: str) -> str:
    """What a daemon said at its end, without the time and in its own words, be its log text or JSON."""
    lines = _LAST_WORDS.findall(log)
    if not lines:
        return ""
    line: str = lines[-1]
    found = [match.group(1) for match in (_MESSAGE.search(line), _ERROR.search(line)) if match]
    return re.sub(r"\\(.)", r"\1", ": ".join(found)) or line.removeprefix("containerd: ")
