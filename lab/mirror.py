"""Which Debian mirror this machine uses, read from its own apt sources."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CONTAINERD_FLEET_LAB_MIRROR"
SUITES = frozenset(
    {"bullseye", "bookworm", "trixie", "forky", "duke", "sid"}
    | {"oldoldstable", "oldstable", "stable", "testing", "unstable"}
)
SCHEMES = ("http://", "https://", "file:", "ftp://")


@dataclass(frozen=True)
class Source:
    """One entry of apt's sources, in either of the two forms."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def is_debian(self) -> bool:
        """Return whether this is Debian's main archive: not its security archive, and no third party's."""
        keyed = not self.signed_by or "debian-archive" in self.signed_by
        return keyed and "main" in self.components and not SUITES.isdisjoint(self.suites)


def find(etc_apt: Path = Path("/etc/apt")) -> str:
    """Return the mirror for debootstrap: the environment's, else that of apt's first Debian source, else ''.

    Empty means that debootstrap's own default is used.
    """
    if override := os.environ.get(VARIABLE):
        return override
    sources = (source for file in _files(etc_apt) for source in parse(file.name, file.read_text(errors="replace")))
    return first_debian(sources)


def first_debian(sources: Iterable[Source]) -> str:
    """Return the address of the first source that is Debian's archive, '' when none is."""
    for source in sources:
        uri = _resolve(source.uri)
        if source.is_debian() and uri.startswith(SCHEMES):
            return uri.rstrip("/")
    return ""


def parse(name: str, text: str) -> Iterator[Source]:
    """Read a file of apt's sources; its name tells its form."""
    return _deb822(text) if name.endswith(".sources") else _one_line(text)


def _files(etc_apt: Path) -> Iterator[Path]:
    main = etc_apt / "sources.list"
    if main.exists():
        yield main
    yield from sorted(file for file in (etc_apt / "sources.list.d").glob("*") if file.suffix in {".list", ".sources"})


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        entry = line.partition("#")[0].strip()
        options = ""
        if entry.startswith("deb ") and entry[4:].lstrip().startswith("["):
            options, _, rest = entry[4:].lstrip()[1:].partition("]")
            entry = f"deb {rest}"
        words = entry.split()
        if len(words) > 2 and words[0] == "deb":
            signed = [option.partition("=")[2] for option in options.split() if option.startswith("signed-by=")]
            yield Source(words[1], (words[2],), tuple(words[3:]), "".join(signed))


def _deb822(text: str) -> Iterator[Source]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false", "0"}:
            continue
        suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
        for uri in fields.get("uris", "").split():
            yield Source(uri, tuple(suites), tuple(components), fields.get("signed-by", ""))


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line[:1] in {" ", "\t"}:
            fields[key] = f"{fields.get(key, '')} {line.strip()}"
        elif ":" in line:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
    return fields


def _resolve(uri: str) -> str:
    """Return the first mirror of a `mirror+file:` list, as Debian's cloud images have; other addresses as they are."""
    if not uri.startswith("mirror+file:"):
        return uri
    listing = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = listing.read_text().splitlines() if listing.is_file() else []
    return next((line.split()[0] for line in lines if line.strip() and not line.startswith("#")), "")
