"""What `crictl info` says of a node's CRI."""

from __future__ import annotations

import json
from typing import Any


def crictl_failure(exit_code: str, output: str, complaint: str) -> str | None:
    """Say in one line what `crictl info` finds wrong, in its own words; None where the runtime is ready.

    The network is not asked for: `NetworkReady` is false on every node without CNI. The output has containerd's
    configuration and may hold credentials, so that no more of it is quoted than the condition's own words.
    """
    if exit_code != "0":
        lines = complaint.strip().splitlines() or [f"exit code {exit_code or 'unknown'}"]
        return lines[-1].strip()
    try:
        conditions = json.loads(output)["status"]["conditions"]
        ready = next(condition for condition in conditions if condition["type"] == "RuntimeReady")
        status, reason, message = ready["status"], _word(ready, "reason"), _word(ready, "message")
    except (ValueError, KeyError, TypeError, StopIteration):
        return "its answer has no condition RuntimeReady"
    if status is True:
        return None
    return " ".join(f"RuntimeReady is false: {reason} {message}".split()).rstrip(": ")


def _word(condition: dict[str, Any], key: str) -> str:
    return str(condition.get(key) or "")
