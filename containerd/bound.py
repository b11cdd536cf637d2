"""The units that systemd restarts, or stops, together with containerd."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from containerd.subjects import Finding, Severity

_OURS = frozenset({"kubelet.service"})
"""Kubelet is meant to follow containerd, and is asked for after the restart anyway."""


def bound_findings(units: Collection[str]) -> Iterator[Finding]:
    """Return a finding for each of the active ``units`` that a restart of containerd takes with it."""
    for unit in units:
        if unit not in _OURS:
            yield Finding(
                "bound-unit",
                Severity.WARNING,
                unit,
                f"{unit} is bound to containerd.service (BindsTo=, PartOf= or Requires=): systemd restarts it together "
                "with containerd, and what it runs may end",
                f"give it Wants= instead, in a drop-in there, or add --allow-restart-of {unit}",
                blocks=True,
            )
