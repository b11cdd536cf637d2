"""The caches of an inventory: one for each row of the table of registries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from caches.errors import ImageError
from caches.image import Image, parse_image
from caches.spec import CacheSpec, Credentials
from caches.upkeep import Upkeep
from fleet.cache_settings import CacheSettings, CachesSettings, RowSettings
from fleet.errors import InventoryError
from fleet.settings import RegistryEntry

DEFAULT_IMAGE = "registry:2"
PLAIN = CacheSettings.model_fields.keys() - {"image", "major", "blobdescriptor", "hosts"}
"""The settings that a cache has just as they are said."""


@dataclass(frozen=True)
class Login:
    """As whom a cache logs in at its upstream, and where the controller finds the password."""

    username: str
    env: str | None
    file: Path | None

    def resolve(self, place: str, registry: str) -> Credentials:
        """Return the credentials. Raises ``InventoryError`` where there is no password."""
        key = f"data.registries.{registry}.{'password_env' if self.env else 'password_file'}"
        if self.env:
            password = os.environ.get(self.env, "")
            missing = f"the variable {self.env} is not set here; export it and repeat the command"
        else:
            password, missing = _read(self.file or Path())
        if not password:
            raise InventoryError(missing, place, None, key)
        if any(character in password for character in "\r\n\0"):
            raise InventoryError("the password has more than one line", place, None, key)
        return Credentials(self.username, password)


@dataclass(frozen=True)
class CacheTable:
    """The caches in the table's order, without their passwords, and their upkeep."""

    specs: tuple[CacheSpec, ...]
    upkeep: Upkeep
    logins: Mapping[str, Login]
    place: str

    def with_passwords(self) -> tuple[CacheSpec, ...]:
        """Return the caches with their passwords. Raises ``InventoryError`` where one is not to be had."""
        return tuple(
            replace(spec, credentials=login.resolve(self.place, spec.registry))
            if (login := self.logins.get(spec.registry))
            else spec
            for spec in self.specs
        )


def cache_table(rows: Mapping[str, RegistryEntry], common: CachesSettings, place: Path) -> CacheTable:
    """Return the caches of these ``rows``; ``place`` is the file that they stand in. Raises ``InventoryError``."""
    specs = tuple(_spec(registry, row, common, place) for registry, row in rows.items())
    owner: dict[str, str] = {}
    for spec in specs:
        if spec.name in owner:
            message = f"{owner[spec.name]} and {spec.container} would share {spec.config_file}; rename one of them"
            raise InventoryError(message, str(place), None, f"data.registries.{spec.registry}.container")
        owner[spec.name] = spec.container
    logins = {registry: _login(registry, row, place) for registry, row in rows.items() if row.username}
    return CacheTable(specs, common.upkeep, logins, str(place))


def _spec(registry: str, row: RegistryEntry, common: CachesSettings, place: Path) -> CacheSpec:
    said: dict[str, Any] = {key: _either(key, row, common) for key in PLAIN}
    return CacheSpec(
        registry=registry,
        upstream=row.upstream,
        port=row.port,
        container=row.container,
        image=_image(registry, row, common, place),
        blobdescriptor=_either("blobdescriptor", row, common) == "inmemory",
        credentials=Credentials(row.username) if row.username else None,
        hosts=tuple(sorted(((common.hosts or {}) | (row.hosts or {})).items())),
        **{key: value for key, value in said.items() if value is not None},
    )


def _image(registry: str, row: RegistryEntry, common: CachesSettings, place: Path) -> Image:
    """The image, and the generation that was said together with it."""
    source: CacheSettings = row if row.image or row.major else common
    key = f"data.registries.{registry}" if source is row else "data.caches"
    try:
        return parse_image(
            row.image or common.image or DEFAULT_IMAGE, row.major or (None if row.image else common.major)
        )
    except ImageError as error:
        raise InventoryError(str(error), str(place), None, f"{key}.image") from None


def _either(key: str, row: RowSettings, common: CachesSettings) -> Any:
    value = getattr(row, key)
    return getattr(common, key) if value is None else value


def _login(registry: str, row: RegistryEntry, place: Path) -> Login:
    try:
        file = place.parent / Path(row.password_file).expanduser() if row.password_file else None
    except RuntimeError:
        message = f"there is no such home directory here: {row.password_file}"
        raise InventoryError(message, str(place), None, f"data.registries.{registry}.password_file") from None
    return Login(row.username or "", row.password_env, file)


def _read(file: Path) -> tuple[str, str]:
    try:
        return file.read_text(encoding="utf-8").strip("\r\n"), f"{file} is empty"
    except (OSError, UnicodeDecodeError) as error:
        return "", f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"
