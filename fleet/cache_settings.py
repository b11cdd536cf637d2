"""The keys of the inventory that are about the caches: for all of them, and for one registry."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from caches.errors import ImageError
from caches.image import tag_of
from caches.spec import bytes_of, is_name, name_of
from caches.upkeep import Upkeep
from fleet.model import HOST, Strict

_DURATION = re.compile(r"(\d+(\.\d+)?(ms|s|m|h))+")
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_LEAST_MEMORY = "6m"  # for Docker


def _container(name: str) -> str:
    mistaken = not _CONTAINER.fullmatch(name) or not is_name(name_of(name))
    if mistaken or name.endswith((".before", ".gc", ".trial")):
        raise ValueError("must be a container's name, such as registry-ghcr")
    return name


def _image(reference: str) -> str:
    try:
        tag_of(reference)
    except ImageError as error:
        raise ValueError(str(error)) from None
    return reference


def _bind(address: str) -> str:
    """Return the address as Docker writes it, empty for all of them."""
    try:
        found = ip_address(address)
    except ValueError:
        found = None
    if found is None or "%" in address:
        raise ValueError("must be an address of the cache host, such as 10.0.20.10")
    return "" if found.is_unspecified else str(found)


def _resolved(address: str) -> str:
    try:
        known = _bind(address)
    except ValueError:
        known = ""
    if not known:
        raise ValueError("must be the address that the name is to resolve to, such as 10.0.0.9")
    return known


def _duration(text: str) -> str:
    # Without a unit the registry reads nanoseconds.
    if text != "0" and not _DURATION.fullmatch(text):
        raise ValueError("must be a time with its unit, such as 168h")
    return text


def _size(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[kmg]", text):
        raise ValueError("must be a size such as 512m")
    return text


def _memory(text: str) -> str:
    if bytes_of(_size(text)) < bytes_of(_LEAST_MEMORY):
        raise ValueError(f"must be {_LEAST_MEMORY} at least, such as 512m")
    return text


def _age(text: str) -> str:
    if not re.search("[1-9]", _duration(text)):
        raise ValueError("must be longer than that, such as 24h: uploads would be purged while they are made")
    return text


def _absolute(path: str) -> str:
    if not re.fullmatch(r"/[^\s:,]+", path):
        raise ValueError("must be an absolute path on the cache host, without blanks, colons and commas")
    return path


def _host(name: str) -> str:
    if not HOST.fullmatch(name):
        raise ValueError("must be a name such as ghcr.io")
    return name


def _off(value: Any) -> Any:
    return "off" if value is False else value  # what YAML 1.1 makes of off


Container = Annotated[str, AfterValidator(_container)]
_Duration = Annotated[str, AfterValidator(_duration)]
_Word = Annotated[str, Field(min_length=1, pattern=r"^[^\s\x00-\x1f\x7f]+$")]


class CacheSettings(Strict):
    """What may be said of all caches, and otherwise of one."""

    image: Annotated[str, AfterValidator(_image)] | None = None
    major: Literal[2, 3] | None = None
    bind: Annotated[str, AfterValidator(_bind)] | None = None
    ttl: _Duration | None = None
    # With inmemory a proxy serves empty blobs once a layer that repositories share expires (distribution#2367).
    blobdescriptor: Annotated[Literal["off", "inmemory"], BeforeValidator(_off)] | None = None
    purge_uploads_after: Annotated[str, AfterValidator(_age)] | None = None
    memory: Annotated[str, AfterValidator(_memory)] | None = None
    log_size: Annotated[str, AfterValidator(_size)] | None = None
    log_files: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None
    hosts: dict[Annotated[str, AfterValidator(_host)], Annotated[str, AfterValidator(_resolved)]] | None = None
    ca: Annotated[str, AfterValidator(_absolute)] | None = None


class GcSettings(Strict):
    """When garbage is collected: the first cache at ``hour`` of ``day``, each other ``apart`` minutes later."""

    enabled: Annotated[bool, Field(strict=True)] = True
    day: Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"] = "sun"
    hour: Annotated[int, Field(ge=0, le=23, strict=True)] = 1
    apart: Annotated[int, Field(ge=5, le=600, strict=True)] = 30


class RestartSettings(Strict):
    """How often each cache is restarted: every so many hours, which must divide a day."""

    enabled: Annotated[bool, Field(strict=True)] = True
    hours: Literal[1, 2, 3, 4, 6, 8, 12, 24] = 1


class CachesSettings(CacheSettings):
    """What holds for all caches, and their upkeep."""

    gc: GcSettings = GcSettings()
    restart: RestartSettings = RestartSettings()

    @property
    def upkeep(self) -> Upkeep:
        """The upkeep as the caches' own words have it."""
        return Upkeep(
            gc_day=self.gc.day if self.gc.enabled else None,
            gc_hour=self.gc.hour,
            gc_apart=self.gc.apart,
            restart_hours=self.restart.hours if self.restart.enabled else None,
        )


class RowSettings(CacheSettings):
    """What may be said of the cache of one registry. A password is never in the inventory, only where it is."""

    username: _Word | None = None
    password_env: _Word | None = None
    password_file: _Word | None = None

    @model_validator(mode="after")
    def _one_password(self) -> RowSettings:
        places = [place for place in (self.password_env, self.password_file) if place]
        if len(places) > 1:
            raise ValueError("password_env and password_file are two places for one password; keep one of them")
        if bool(self.username) != bool(places):
            raise ValueError("username needs password_env or password_file, and they need username")
        return self
