"""What is known: versions and releases, a node, its files, what is wanted of it, the health of its CRI."""

from __future__ import annotations

from containerd.model.cri import CriHealth, cri_health, crictl_failure, failure_reason, parse_plugins
from containerd.model.dispositions import STAYS, Accounted, Disposition, Dispositions
from containerd.model.errors import ContainerdError, NotToml, Refused, VersionError
from containerd.model.files import MAIN, Dead, FileSet, absolute, clean
from containerd.model.go_types import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    NANOSECONDS,
    STRING,
    STRINGS,
    UINT32,
    GoType,
    ListOf,
    MapOf,
    Scalar,
    Struct,
)
from containerd.model.headroom import Headroom, Space, parse_inotify, parse_spaces, shortage
from containerd.model.node import Daemon, NodeFacts, Transaction, checksum
from containerd.model.policy import Decision, Policy, Registry, Strategy
from containerd.model.proxies import Proxies
from containerd.model.releases import (
    CRI,
    IMAGES,
    RUNTIME,
    HostsFile,
    Release,
    check_major,
    doubt_of,
    generation_of,
    is_known,
    release_of,
)
from containerd.model.versions import Generation, Version, parse_ctr_version, parse_version

__all__ = [
    "ANY",
    "BOOL",
    "CRI",
    "DURATION",
    "FLOAT",
    "IMAGES",
    "INT",
    "MAIN",
    "NANOSECONDS",
    "RUNTIME",
    "STAYS",
    "STRING",
    "STRINGS",
    "UINT32",
    "Accounted",
    "ContainerdError",
    "CriHealth",
    "Daemon",
    "Dead",
    "Decision",
    "Disposition",
    "Dispositions",
    "FileSet",
    "Generation",
    "GoType",
    "Headroom",
    "HostsFile",
    "ListOf",
    "MapOf",
    "NodeFacts",
    "NotToml",
    "Policy",
    "Proxies",
    "Refused",
    "Registry",
    "Release",
    "Scalar",
    "Space",
    "Strategy",
    "Struct",
    "Transaction",
    "Version",
    "VersionError",
    "absolute",
    "check_major",
    "checksum",
    "clean",
    "cri_health",
    "crictl_failure",
    "doubt_of",
    "failure_reason",
    "generation_of",
    "is_known",
    "parse_ctr_version",
    "parse_inotify",
    "parse_plugins",
    "parse_spaces",
    "parse_version",
    "release_of",
    "shortage",
]
