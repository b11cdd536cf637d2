"""What a node says of itself, before anything is made of it: one call, and again only for what that call left out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from nornir.core.inventory import Host

from containerd.config import DEFAULT_ROOT, load_sources
from containerd.hosts import tls_files
from containerd.loader import Directories, directories, imported, named_files, wanted
from containerd.model import ContainerdError, FileSet, Version, clean, parse_spaces, parse_version
from tasks import wire
from tasks.errors import NodeNotReady
from tasks.program import ask

_FEWER = "correct imports in the files there"
_LIMITS = {
    "depth": "the imports of {main} are more than {rounds} deep; " + _FEWER,
    "size": "the files that {main} names are too many or too large to be read; " + _FEWER,
    "directories": "the directories of the hosts.toml files are too many to be read; see config_path in {main} there",
}
"""Why a node gave up reading, by its own word."""
_ODD = "{main} imports {path!r}, whose name has a tab, a newline or another control character; rename it there first"
IMPORT_ROUNDS = 32
IMPORT_FILES = 256
IMPORT_BYTES = 16 << 20
READ_SECONDS = 60.0
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What no path may have that a node is asked for: its answers are lines."""

_LISTS = ("spaces", "present", "absent", "certificates")
"""Values that are lines, and grow with each answer."""
_OF_SOCKET = frozenset({"plugins", "cri", "versions", "crictl", "crictl_complaint"})

Question: TypeAlias = tuple[str, str]
"""One thing to look at: the option of ``facts`` that asks for it, without its dashes, and the option's value."""


@dataclass(frozen=True)
class Reading:
    """The answers of a node so far, and what they answer. They may hold secrets, which are in no repr."""

    values: Mapping[str, bytes] = field(repr=False)
    answered: frozenset[Question] = frozenset()

    @classmethod
    def of(cls, values: Mapping[str, bytes]) -> Reading:
        """Return the first answer of a node, with what it looked at by itself."""
        looked = {"read": "patterns", "root": "roots", "present": "present", "socket": "socket"}
        lines = {option: wire.text(values, name).split("\n") for option, name in looked.items()}
        lines["present"] += wire.text(values, "absent").split("\n")
        lines["space"] = [space.directory for space in parse_spaces(wire.text(values, "spaces"))]
        return cls(values, frozenset((option, line) for option, found in lines.items() for line in found))

    def with_answers(self, values: Mapping[str, bytes], questions: Iterable[Question]) -> Reading:
        """Return this reading with a further answer of the node, to these questions."""
        asked = frozenset(questions)
        # What one socket said of CRI says nothing of another's.
        stale = _OF_SOCKET if any(option == "socket" for option, _ in asked) else frozenset()
        kept = {name: value for name, value in self.values.items() if name not in stale}
        lists = {name: kept.get(name, b"") + b"\n" + values.get(name, b"") for name in _LISTS}
        return Reading({**kept, **values, **lists}, self.answered | asked)

    def text(self, name: str) -> str:
        """Return one value as text, empty where the node did not say it."""
        return wire.text(self.values, name)

    def message(self, name: str) -> str:
        """Return what a program has written; see ``wire.message``."""
        return wire.message(self.values, name)

    def below(self, kind: str) -> dict[str, bytes]:
        """Return the values of one kind, such as ``file``, by their paths in the shortest form."""
        named = ((name.removeprefix(f"{kind}:"), it) for name, it in self.values.items() if name.startswith(f"{kind}:"))
        return {path: value for path, value in named if path in (clean(path), self.main)}

    @cached_property
    def version(self) -> Version:
        """The version of the program that a restart would start. Raises ``VersionError``."""
        return parse_version(self.message("version"))

    @property
    def main(self) -> str:
        """The config.toml that the daemon is started with."""
        return self.text("config_file")

    @cached_property
    def unit(self) -> Mapping[str, str]:
        """The properties of containerd.service."""
        return dict(line.split("=", 1) for line in self.text("unit").splitlines() if "=" in line)

    @cached_property
    def loaded(self) -> FileSet:
        """The main file and what it imports, without anything else that the node looked at by the way."""
        files = FileSet.of_bytes(self.main, {**self.below("file"), self.main: self.values["config"]})
        reached = imported(files)
        return replace(files, texts={path: text for path, text in files.texts.items() if path in reached})

    @cached_property
    def directories(self) -> Directories:
        """Where the daemon keeps its data and listens: its command line wins over its files."""
        named = directories(self.loaded, self.version)
        return Directories(
            self.text("root") or named.root, self.text("state") or named.state, self.text("address") or named.socket
        )

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The directories of the hosts.toml files that containerd reads, or is to read."""
        try:
            roots = load_sources(self.loaded, self.version).roots
        except ContainerdError:
            roots = ()
        return tuple(clean(root) for root in roots if root.startswith("/")) or (DEFAULT_ROOT,)

    @cached_property
    def files(self) -> FileSet:
        """All files that a decision is made on: those that are loaded, the hosts.toml files, and what is named."""
        named = self.named & frozenset(self.text("present").split("\n"))
        return replace(self.with_hosts, present=self.with_hosts.present | named)

    @cached_property
    def named(self) -> frozenset[str]:
        """Which files are named without being imported; they may be keys, and are not read."""
        return frozenset((*named_files(self.loaded, self.version), *tls_files(self.with_hosts, self.version)))

    @cached_property
    def with_hosts(self) -> FileSet:
        """The files that are loaded, the hosts.toml files, and the names of the certificates beside those."""
        found = self.below("file")
        hosts = {path: text for path, text in found.items() if posixpath.basename(path) == "hosts.toml"}
        read = {path: it for path, it in hosts.items() if posixpath.dirname(posixpath.dirname(path)) in self.roots}
        texts = FileSet.of_bytes(self.main, read).texts
        certificates = frozenset(self.text("certificates").splitlines())
        return FileSet(self.main, {**self.loaded.texts, **texts}, certificates)

    @cached_property
    def missing(self) -> tuple[Question, ...]:
        """What has to be known and was not answered yet. Imports come first, since all else follows from them."""
        imports = tuple(("read", pattern) for pattern in wanted(self.loaded))
        if left := self._unanswered(imports):
            if bad := next((pattern for _, pattern in left if _CONTROL.search(pattern)), None):
                raise NodeNotReady(_ODD.format(main=self.main, path=bad))
            return left
        return tuple(it for it in self._unanswered(self._around()) if not _CONTROL.search(it[1]))

    def _around(self) -> Iterator[Question]:
        yield from (("root", root) for root in self.roots)
        yield from (("present", path) for path in sorted(self.named))
        yield from (("space", path) for path in (self.directories.root, self.directories.state))
        yield ("socket", self.directories.socket)

    def _unanswered(self, questions: Iterable[Question]) -> tuple[Question, ...]:
        return tuple(dict.fromkeys(it for it in questions if it not in self.answered))

    def check_limits(self) -> None:
        """Raise ``NodeNotReady`` where the configuration is more than a node can mean."""
        if word := self.text("limit"):
            raise NodeNotReady(_LIMITS.get(word, _LIMITS["size"]).format(main=self.main, rounds=IMPORT_ROUNDS))
        if odd := self.text("odd_path"):
            raise NodeNotReady(_ODD.format(main=self.main, path=odd))
        files = {path: text for path, text in self.below("file").items() if not path.endswith("/hosts.toml")}
        if max(len(files), sum(option == "read" for option, _ in self.answered)) > IMPORT_FILES:
            raise NodeNotReady(f"{self.main} imports more than {IMPORT_FILES} files, one through another; {_FEWER}")
        if sum(map(len, files.values())) > IMPORT_BYTES:
            raise NodeNotReady(f"what {self.main} imports is larger than {IMPORT_BYTES >> 20} MB; {_FEWER}")


def begin(host: Host) -> Reading:
    """Return the first reading of ``host``. Raises ``NodeNotReady`` where containerd is not installed."""
    reading = Reading.of(_ask(host))
    if not reading.text("binary"):
        raise NodeNotReady("containerd is not installed here; install it, or take the node out of the inventory")
    return reading


def complete(host: Host, reading: Reading) -> Reading:
    """Ask ``host`` until nothing is missing. Raises ``NodeNotReady`` where its imports do not end."""
    for _ in range(IMPORT_ROUNDS):
        reading.check_limits()
        questions = reading.missing
        if not questions:
            return reading
        reading = reading.with_answers(_ask(host, questions), questions)
    raise NodeNotReady(_LIMITS["depth"].format(main=reading.main, rounds=IMPORT_ROUNDS))


def _ask(host: Host, questions: Iterable[Question] = ()) -> dict[str, bytes]:
    options = (word for name, value in questions for word in (f"--{name}", value))
    return ask(host, "facts", *options, timeout=READ_SECONDS)
