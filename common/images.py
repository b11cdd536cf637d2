"""The name of an image, as people write it, and in full."""

from __future__ import annotations

import re
from dataclasses import dataclass

# An image named by the second is one of the first.
DOCKER_NAMES = ("docker.io", "index.docker.io")
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class NotAnImage(Exception):
    """A text is no image's name."""


@dataclass(frozen=True)
class Reference:
    """An image's name in full: a digest wins over a tag, as in CRI."""

    registry: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def reference(self) -> str:
        """What the registry is asked for in the repository: the digest, or else the tag."""
        return self.digest or self.tag

    @property
    def name(self) -> str:
        """The name without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def parse_reference(text: str) -> Reference:
    """Return an image's name in full, as Docker completes it: ``busybox`` is docker.io/library/busybox:latest.

    Raises NotAnImage.
    """
    host, slash, rest = text.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", text
    match = _NAME.fullmatch(f"{host}/{rest}")
    if match is None or not rest:
        raise NotAnImage(f"{text!r} is no image's name, such as ghcr.io/some/image:1")
    registry, repository = match["host"], match["repository"]
    if registry in DOCKER_NAMES:
        registry = "docker.io"
        repository = repository if "/" in repository else f"library/{repository}"
    return Reference(registry, repository, match["tag"] or "latest", match["digest"] or "")
