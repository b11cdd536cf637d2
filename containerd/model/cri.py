"""Whether the CRI plugins are healthy, from what `ctr plugins ls` prints.

A containerd whose CRI plugin failed stays `active` in systemd, so this is the only honest sign of health.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from containerd.model.releases import health_plugins
from containerd.model.versions import Generation

CRI = ("io.containerd.grpc.v1", "cri")

_FAILURE = re.compile(r"^Error:.*?^\s*Message:[ \t]*(\S[^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class PluginRow:
    """One row of `ctr plugins ls`; status is ok, error or skip."""

    type: str
    id: str
    status: str


@dataclass(frozen=True)
class CriHealth:
    """The health of a node's CRI; detail names the rows that are wrong, and is empty when all are ok."""

    state: Literal["ok", "error", "absent"]
    detail: str


def parse_plugins(text: str) -> tuple[PluginRow, ...]:
    """Read the table that `ctr plugins ls` prints (TYPE ID PLATFORMS STATUS); lines of another shape are skipped."""
    rows = (line.split() for line in text.splitlines())
    return tuple(PluginRow(row[0], row[1], row[-1]) for row in rows if len(row) == 4 and row[0] != "TYPE")


def cri_health(rows: tuple[PluginRow, ...], generation: Generation) -> CriHealth:
    """Judge the rows of `ctr plugins ls`.

    `absent` means that the CRI plugin has no row at all: it is disabled. On 2.x its parts may still be ok then.
    """
    status = {(row.type, row.id): row.status for row in rows}
    wanted = {plugin: status.get(plugin, "absent") for plugin in health_plugins(generation)}
    detail = ", ".join(f"{type_} {id_}: {state}" for (type_, id_), state in wanted.items() if state != "ok")
    if wanted[CRI] == "absent":
        return CriHealth("absent", detail)
    return CriHealth("error" if detail else "ok", detail)


def failure_reason(text: str) -> str | None:
    """The first failure's message in the output of `ctr plugins ls -d …`, on one line, in containerd's own words."""
    match = _FAILURE.search(text)
    return " ".join(match.group(1).split()) if match else None


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
