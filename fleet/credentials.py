"""What logs in to nodes: keys, and host keys that are known. Each file is read once, however many nodes there are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from nornir.core.inventory import Inventory

from fleet.errors import CredentialError, InventoryError
from fleet.keys import EncryptedKey, LoginKeys, login_keys, private_key
from fleet.known_hosts import KnownHosts

KNOWN_HOSTS = "~/.ssh/known_hosts"
"""The file where the inventory names none."""

_KEY = "connection_options.netmiko.extras"

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Credentials:
    """The keys to log in with, and the host keys that are accepted."""

    keys: LoginKeys
    known_hosts: KnownHosts


class CredentialStore:
    """Credentials by the settings of the inventory, loaded when they are first asked for; also what was wrong then."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: dict[Hashable, Any] = {}

    def of(self, options: Mapping[str, Any]) -> Credentials:
        """Return those for a host's connection options. Raises ``CredentialError``, the same one each time."""
        file, use_agent = options.get("key_file"), options.get("use_agent")
        known_hosts = Path(options.get("known_hosts") or KNOWN_HOSTS).expanduser()
        # Nobody else waits for anything but a file and the agent here.
        with self._lock:
            return Credentials(
                self._once(("keys", file, use_agent), lambda: login_keys(file, use_agent)),
                self._once(("known_hosts", known_hosts), lambda: KnownHosts.read(known_hosts)),
            )

    def _once(self, name: Hashable, load: Callable[[], Loaded]) -> Loaded:
        if name not in self._loaded:
            try:
                self._loaded[name] = load()
            except CredentialError as error:
                self._loaded[name] = error
        loaded: Loaded = self._loaded[name]
        if isinstance(loaded, CredentialError):
            raise CredentialError(str(loaded))
        return loaded


def check_files(inventory: Inventory, directory: Path) -> None:
    """Check the keys and known_hosts that an inventory names, each once; connect nowhere, not even to the agent.

    Raises ``InventoryError`` with the first host that the first mistake is about. A key with a passphrase is none.
    """
    checked: set[tuple[str, str]] = set()
    for host in inventory.hosts.values():
        extras = host.get_connection_parameters("netmiko").extras or {}
        for key, check in (("key_file", _check_key), ("known_hosts", _check_known_hosts)):
            path = extras.get(key)
            if path and (key, path) not in checked:
                checked.add((key, path))
                try:
                    check(Path(path).expanduser())
                except CredentialError as error:
                    raise InventoryError(str(error), str(directory), host.name, f"{_KEY}.{key}") from None


def _check_key(path: Path) -> None:
    with suppress(EncryptedKey):
        private_key(path)


def _check_known_hosts(path: Path) -> None:
    known_hosts = KnownHosts.read(path)
    for line in known_hosts.faults:
        raise CredentialError(f"{known_hosts.place(line)} {line.fault}; correct or remove the line")
