"""What is to be written on a node, and what becomes of every setting that it has."""

from __future__ import annotations

from containerd.decide.migration import decide
from containerd.decide.plan import ACCEPTABLE, NO_CONSENT, Consent, NodePlan, plan_node, through_proxies

__all__ = ["ACCEPTABLE", "NO_CONSENT", "Consent", "NodePlan", "decide", "plan_node", "through_proxies"]
