"""One cache as the inventory wants it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from caches.image import Image

CONFIGS = "/etc/docker-registry"
DATA = "/var/lib/registry"
OWNED = "containerd-fleet.cache"
HASH = "containerd-fleet.config"
HIDDEN = "****"
"""Stands for a password that is not known here."""
BEFORE = ".before"
"""Behind the name of a container that waits until its successor serves."""
CA_INSIDE = "/etc/docker-registry-ca.pem"
_PASSWORD = re.compile(r"^(  password: ).*$", re.MULTILINE)


@dataclass(frozen=True)
class Credentials:
    """What the cache logs in with at its upstream; the password is ``None`` where it is not known here."""

    username: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CacheSpec:
    """One pull-through cache: a container that proxies the ``upstream`` of one ``registry``.

    ``hosts`` are names that the container resolves by itself; ``ca`` is a file on the cache host with the authorities
    that the upstream's certificate is checked against.
    """

    registry: str
    upstream: str
    port: int
    container: str
    image: Image
    bind: str = ""
    ttl: str = ""
    blobdescriptor: bool = False
    purge_uploads_after: str = "24h"
    memory: str = "512m"
    log_size: str = "10m"
    log_files: int = 3
    hosts: tuple[tuple[str, str], ...] = ()
    ca: str = ""
    credentials: Credentials | None = None

    @property
    def name(self) -> str:
        """What the cache is called on the host."""
        return name_of(self.container)

    @property
    def config_file(self) -> str:
        """Its configuration on the host."""
        return f"{CONFIGS}/{self.name}/config.yml"

    @property
    def mode(self) -> str:
        """The mode of that file."""
        return "0600" if self.credentials else "0644"

    @property
    def volume(self) -> str:
        """The volume of its data."""
        return volume_of(self.container)


@dataclass(frozen=True)
class Wanted:
    """A cache, the text of its configuration (which may hold a password), and how Docker starts it."""

    spec: CacheSpec
    config: str = field(repr=False)

    @property
    def digest(self) -> str:
        """The sum of everything that makes this container what it is.

        Not of the password: whoever may ask Docker reads the sum, and could try passwords on it.
        """
        words = [_without_password(self.config), *_options(self.spec), self.spec.image.reference]
        return sha256("\0".join(words).encode()).hexdigest()

    def is_config(self, text: str | None) -> bool:
        """Return whether ``text`` is its configuration. A password that is not known here may be any."""
        credentials = self.spec.credentials
        if text is not None and credentials and credentials.password is None:
            text = _without_password(text)
        return text == self.config

    @property
    def options(self) -> tuple[str, ...]:
        """The words behind `docker run`: options, labels, the image."""
        spec = self.spec
        labels = ("--label", f"{OWNED}={spec.name}", "--label", f"{HASH}={self.digest}")
        return (*_options(spec), *labels, spec.image.reference)

    @property
    def trial(self) -> tuple[str, ...]:
        """The options of a container that tries the new configuration before it replaces the live one.

        The data may be read, so that a scheduler-state.json that stops a boot stops this one too.
        """
        return (*_surroundings(self.spec, ".new"), "-v", f"{self.spec.volume}:{DATA}:ro")


def name_of(container: str) -> str:
    """Return what the cache of ``container`` is called: without ``registry-``, and ``docker`` for ``registry``."""
    return "docker" if container == "registry" else container.removeprefix("registry-")


def volume_of(container: str) -> str:
    """Return the name of the volume that holds the data of ``container``."""
    return f"{container}-data"


def is_name(name: str) -> bool:
    """Return whether a cache can be called so, which is a directory's name too."""
    return name[:1].isalnum()


def bytes_of(size: str) -> int:
    """Return the number of bytes that Docker understands by a size such as ``512m``."""
    match = re.fullmatch(r"(\d+)([bkmg]?)", size)
    if match is None:
        raise ValueError(f"{size!r} is no size such as 512m")
    return int(match[1]) << 10 * "bkmg".index(match[2] or "b")


def _without_password(config: str) -> str:
    return _PASSWORD.sub(rf'\1"{HIDDEN}"', config)


def _options(spec: CacheSpec) -> tuple[str, ...]:
    port = f"{spec.port}:5000"
    bind = f"[{spec.bind}]:" if ":" in spec.bind else f"{spec.bind}:" if spec.bind else ""
    return (
        *("-p", f"{bind}{port}", "-d", "--restart", "always", "--name", spec.container),
        *_surroundings(spec),
        *("-v", f"{spec.volume}:{DATA}"),
        *("--memory", spec.memory),
        *("--log-driver", "json-file", "--log-opt", f"max-size={spec.log_size}"),
        *("--log-opt", f"max-file={spec.log_files}"),
    )


def _surroundings(spec: CacheSpec, suffix: str = "") -> tuple[str, ...]:
    """What decides whether the registry boots: its configuration, names and authorities."""
    hosts = [word for name, address in spec.hosts for word in ("--add-host", f"{name}:{address}")]
    ca = ("-v", f"{spec.ca}:{CA_INSIDE}:ro", "-e", f"SSL_CERT_FILE={CA_INSIDE}") if spec.ca else ()
    # The official image of 3.x sets it; without it any other sends traces to localhost.
    traces = ("-e", "OTEL_TRACES_EXPORTER=none") if spec.image.major >= 3 else ()
    return ("-v", f"{spec.config_file}{suffix}:{spec.image.config_path}:ro", *hosts, *ca, *traces)
