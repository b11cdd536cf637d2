"""Which containerd a node runs, from what its programs print."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from containerd.model.errors import VersionError

# Vendors append to the number: 1.6.20~ds1 (Debian), 1.5.2-0ubuntu1~20.04.3, v2.1.5-k3s1, 1.6.39+unknown, 1.7.0.m.
_NUMBER = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(?:[~+.-].*)?")


class Generation(Enum):
    """The lines of containerd that behave alike."""

    V1_6 = "1.6"
    V1_7 = "1.7"
    V2 = "2"


@dataclass(frozen=True, order=True)
class Version:
    """A containerd version: ordered and compared by its numbers; `text` is what the program printed."""

    major: int
    minor: int
    patch: int
    text: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse_version(output: str) -> Version:
    """Read the output of `containerd --version`: name, package, version, and sometimes a revision.

    Only the third field is looked at, because the package path may itself hold a "/v2".
    Raises VersionError when no line has a version there.
    """
    for line in output.splitlines():
        fields = line.split()
        if len(fields) >= 3 and _NUMBER.fullmatch(fields[2]):
            return _version(fields[2])
    raise VersionError("the output of `containerd --version` has no version in its third field")


def parse_ctr_version(output: str) -> tuple[Version, Version]:
    """Read the output of `ctr version`; return the versions of the client and of the running server.

    Raises VersionError when one of them is missing, as it is while the daemon is down.
    """
    found: dict[str, str] = {}
    side = ""
    for line in output.splitlines():
        if line.rstrip() in ("Client:", "Server:"):
            side = line.rstrip(": \t")
        elif side and line.startswith((" ", "\t")) and line.split()[:1] == ["Version:"]:
            found.setdefault(side, " ".join(line.split()[1:2]))
    for side in ("Client", "Server"):
        if side not in found:
            raise VersionError(f"the output of `ctr version` has no version under {side}")
    return _version(found["Client"]), _version(found["Server"])


def _version(text: str) -> Version:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise VersionError("`ctr version` printed something that is not a version")
    major, minor, patch = (int(number) for number in match.groups())
    return Version(major, minor, patch, text)
