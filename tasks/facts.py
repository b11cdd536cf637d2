"""What a transaction keeps on the node about its containerd, so that the node can be asked again without the plan."""

from __future__ import annotations

import shlex

from containerd.decide import NodePlan
from containerd.model import release_of


def recorded(plan: NodePlan) -> str:
    """Return the file ``facts`` of a transaction: shell assignments, for ``restart.sh`` and ``verify.sh``."""
    daemon = plan.facts.daemon
    plugins = (f"{kind}/{name}" for kind, name in release_of(daemon.version).health)
    values = {
        "binary": daemon.binary,
        "version": daemon.version_line,
        "ctr": daemon.ctr,
        "socket": daemon.socket,
        "config": plan.facts.config_file,
        "state_directory": daemon.state,
        "plugins": " ".join(plugins),
        "kubelet": "active" if daemon.kubelet else "",
        "crictl": daemon.crictl,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
