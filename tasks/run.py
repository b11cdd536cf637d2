"""Who is at work on the node: what a transaction records about the run that it belongs to."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timezone

OWNED_SECONDS = 600


@dataclass(frozen=True)
class Run:
    """One invocation that changes machines."""

    id: str
    owner: str
    since: str

    @staticmethod
    def is_id(text: str) -> bool:
        """Return whether ``text`` could be the id of a run."""
        return re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", text) is not None

    @classmethod
    def begin(cls) -> Run:
        """Return a new run of this user on this controller; its id sorts by time."""
        now = datetime.now(timezone.utc)
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        return cls(run_id, f"{_user()}@{socket.gethostname()}", f"{now:%Y-%m-%dT%H:%M:%SZ}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
