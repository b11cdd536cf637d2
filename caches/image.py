"""The image of a cache, and the generation of the registry (distribution) in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from caches.errors import ImageError

MAJORS = (2, 3)
_REFERENCE = re.compile(
    r"(?P<name>(?:[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/)?[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_REGISTRY = re.compile("registry|distribution")
_VERSION = re.compile(r"v?(\d+)(?:[.-].*)?")


@dataclass(frozen=True)
class Image:
    """What `docker run` starts. A registry 2.x and a 3.x read their configuration from different paths.

    With a file mounted at the other one's path the image starts on its own default, as a plain registry that caches
    nothing and says so nowhere.
    """

    reference: str
    major: int

    @property
    def config_path(self) -> str:
        """Where the registry in it reads its configuration."""
        return "/etc/docker/registry/config.yml" if self.major == 2 else "/etc/distribution/config.yml"

    @property
    def reads_ttl(self) -> bool:
        """Whether it heeds proxy.ttl: 2.x keeps everything for 7 days."""
        return self.major >= 3


def parse_image(reference: str, major: int | None = None) -> Image:
    """Return the image of ``reference``, whose generation is that of its tag or else ``major``.

    A tag that is no version of a registry, such as one's own ``1.4``, says nothing of it.
    Raises ``ImageError`` where neither says it, where they disagree, and for what is no reference.
    """
    version = _VERSION.fullmatch(tag_of(reference))
    tagged = int(version[1]) if version and int(version[1]) in MAJORS else None
    if tagged and major and tagged != major:
        raise ImageError(f"{reference} is no registry {major}.x; correct image or major")
    if not major and not _REGISTRY.search(_name(reference)):
        raise ImageError(f"{reference} is not named as a registry's image; if it is one, add major: 2 or major: 3")
    if not (generation := tagged or major):
        raise ImageError(f"{reference} does not say which registry it is; add major: 2 or major: 3")
    return Image(reference, generation)


def _name(reference: str) -> str:
    """The last part of an image's name."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def tag_of(reference: str) -> str:
    """Return the tag of an image, empty where it has none. Raises ``ImageError`` for what is no reference."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ImageError(f"{reference!r} is no image; write one such as registry:2 or registry@sha256:…")
    return match["tag"] or ""
