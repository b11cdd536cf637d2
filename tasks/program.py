"""The one program on a node: its subcommands, and what they answer."""

from __future__ import annotations

from nornir.core.inventory import Host

import node
from fleet.remote import ShellScript
from fleet.ssh import remote_of
from tasks import wire
from tasks.errors import StepFailed


def ask(host: Host, subcommand: str, *options: str, timeout: float = 30.0) -> dict[str, bytes]:
    """Run ``subcommand`` on ``host`` with ``options`` (``--name``, ``value``, and so on) and return its values.

    ``timeout`` is in seconds. Raises ``StepFailed`` with the program's last complaint, and what ``Remote.call`` does.
    """
    done = remote_of(host).call(ShellScript("fleet-node", node.program()), subcommand, options, timeout=timeout)
    if done.exit_code != 0:
        raise StepFailed(f"{subcommand}: {done.complaint}")
    return wire.decode(done.stdout)
