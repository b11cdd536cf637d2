"""What can go wrong before a node is even read."""

from __future__ import annotations

from dataclasses import asdict, dataclass


class FleetError(Exception):
    """Base of everything that this package raises; the message is one line for the operator."""


@dataclass(frozen=True)
class Place:
    """Where a mistake sits: the file, the host (or group) in it and the key; ``None`` where there is none."""

    file: str | None = None
    host: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.host, self.key) if part)

    def as_dict(self) -> dict[str, str | None]:
        """Return the three parts under their names, for ``--json``."""
        return asdict(self)


class UsageError(FleetError):
    """A mistake in the command or in the inventory (exit code 2), with its place."""

    def __init__(self, message: str, file: str | None = None, host: str | None = None, key: str | None = None) -> None:
        super().__init__(message)
        self.place = Place(file, host, key)

    def __str__(self) -> str:
        where = str(self.place)
        return f"{where}: {self.args[0]}" if where else str(self.args[0])


class InventoryError(UsageError):
    """The inventory says something that cannot be meant."""


class Unreachable(FleetError):
    """A node could not be reached or logged in to. Nothing was done on it (exit code 4)."""


class CredentialError(Unreachable):
    """What this controller logs in with cannot be used: a private key, the agent, or known_hosts."""


class ConnectionLost(FleetError):
    """The connection broke while a command was running: whether it ran to its end is not known."""


class CommandTimeout(FleetError):
    """A command on a node did not end within its limits: whether it goes on there is not known."""


class AnswerTooLong(CommandTimeout):
    """A command on a node printed more than an answer may have, and was cut off."""


class DeadlinePassed(FleetError):
    """A node was not done within its deadline and was given up: how it goes on there is not known."""


class Abandoned(DeadlinePassed):
    """The operator asked to wait no longer: how the node goes on is not known."""


class Interrupted(FleetError):
    """The operator asked twice to stop: what a command on a node was at is no longer waited for."""


class NotRecorded(FleetError):
    """The journal cannot be written, so that a step was not begun: nothing was done by it."""


class NotStarted(FleetError):
    """The login works, but a program that is sent does not begin there: nothing was done."""


class SudoRefused(NotStarted):
    """The login works, but ``sudo -n`` does not."""


class ForwardingRefused(FleetError):
    """The node's sshd does not forward connections, so that nothing can be asked from the node through it."""
