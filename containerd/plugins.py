"""Whether the CRI plugins are healthy, from what `ctr plugins ls` prints.

A containerd whose CRI plugin failed stays `active` in systemd, so this is the only honest sign of health.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from containerd.releases import health_plugins
from containerd.versions import Generation

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
