"""From a version to what is known of its release."""

from __future__ import annotations

from functools import lru_cache

from containerd.model.errors import VersionError
from containerd.model.releases.lines_1 import ROWS_1, V1_5
from containerd.model.releases.lines_2 import ROWS_2
from containerd.model.releases.record import Number, Release
from containerd.model.versions import Generation, Version

_ROWS = (*ROWS_1, *ROWS_2)
_LINES = (V1_5.number[:2], *(row.since[:2] for row in _ROWS))
_GENERATIONS = {(1, 6): Generation.V1_6, (1, 7): Generation.V1_7, (2, 0): Generation.V2}
_LAST_PATCH = 10**6
_BUILDS = tuple(sorted({row.build for row in _ROWS if row.build}))


def release_of(version: Version) -> Release:
    """Return what is known of a version's release: of one that is not known, what the newest known before it does."""
    return _release(_known(version), tuple(build for build in _BUILDS if build in version.text))


def check_major(version: Version) -> None:
    """Raise VersionError for a version of which nothing is known: one before 1.5, or of another major."""
    if not any(line[0] == version.major and line <= (version.major, version.minor) for line in _LINES):
        raise VersionError(f"containerd {version} is not supported: 1.5 to 2.x are")


def is_known(version: Version) -> bool:
    """Whether the table has the release line of a version."""
    return (version.major, version.minor) in _LINES


def doubt_of(version: Version) -> str | None:
    """Why what is said of a version is not certain, None where its release line is known and supported."""
    if not is_known(version):
        newest = _release(_known(version)).number
        return f"containerd {version} is not known: it is taken for {newest[0]}.{newest[1]}, the newest known before it"
    if _generation(version) is None:
        return f"containerd {version} is no longer supported: what is said of it was not tried on nodes"
    return None


def generation_of(version: Version) -> Generation:
    """The generation of a version. Raises VersionError for one that this project does not support."""
    found = _generation(version)
    if found is None:
        raise VersionError(f"containerd {version} is not supported: 1.6, 1.7 and 2.x are")
    return found


def health_plugins(generation: Generation) -> tuple[tuple[str, str], ...]:
    """The (type, id) of every plugin that must be ok before a kubelet can use a containerd of this generation."""
    line = next(line for line, each in _GENERATIONS.items() if each is generation)
    return _release((*line, 0)).health


def _generation(version: Version) -> Generation | None:
    lines = [line for line in _GENERATIONS if line[0] == version.major and line <= (version.major, version.minor)]
    return _GENERATIONS[max(lines)] if lines else None


def _known(version: Version) -> Number:
    number = (version.major, version.minor, version.patch)
    line = max((line for line in _LINES if line <= number[:2]), default=_LINES[0])
    return (*line, version.patch if line == number[:2] else _LAST_PATCH)


@lru_cache(maxsize=64)
def _release(number: Number, builds: tuple[str, ...] = ()) -> Release:
    release = V1_5
    for row in _ROWS:
        of_line = row.since[:2] == number[:2] and row.since[2] <= number[2] and (not row.build or row.build in builds)
        before = row.since[:2] < number[:2] and row.since[2] == 0 and not row.build
        if of_line or before:
            release = row.applied(release)
    return release
