"""Who is at work on the node: what a transaction records about the run that it belongs to."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import socket
from dataclasses import dataclass, field
from datetime import datetime, timezone

from fleet.settings import TransactionSettings
from fleet.stop import Stop


@dataclass(frozen=True)
class Run:
    """One invocation that changes machines: its limits, and whether the operator wants it to stop."""

    id: str
    owner: str
    since: str
    limits: TransactionSettings
    stop: Stop = field(compare=False)

    @staticmethod
    def is_id(text: str) -> bool:
        """Return whether ``text`` could be the id of a run."""
        return re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", text) is not None

    @classmethod
    def begin(cls, limits: TransactionSettings, stop: Stop) -> Run:
        """Return a new run of this user on this controller; its id sorts by time."""
        now = datetime.now(timezone.utc)
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        return cls(run_id, f"{_user()}@{socket.gethostname()}", f"{now:%Y-%m-%dT%H:%M:%SZ}", limits, stop)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
