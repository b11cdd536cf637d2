"""The shell of this package: scripts in ``sh/``, each run with the common part in front."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from nornir.core.inventory import Host

from fleet.remote import Completed, ShellScript, never
from fleet.ssh import remote_of
from tasks.errors import StepFailed

_FOLDER = Path(__file__).parent / "sh"
BASE = "/var/lib/containerd-fleet"


@lru_cache(maxsize=32)
def text(name: str) -> str:
    """Return the script ``name`` alone."""
    return (_FOLDER / f"{name}.sh").read_text(encoding="utf-8")


def source(name: str, settings: str = "") -> str:
    """Return the script ``name`` as it is run, with the common part and then the lines ``settings`` in front."""
    return text("common") + settings + text(name)


def run(
    host: Host,
    name: str,
    *args: str,
    part: str = "",
    stdin: bytes = b"",
    timeout: float = 30.0,
    cancelled: Callable[[], bool] = never,
) -> Completed:
    """Run the script ``name`` on ``host`` and return how it ended, whatever its exit code.

    The script ``part`` is put in front of it, where there is one. Takes and raises what ``Remote.run`` does.
    """
    script = ShellScript(name, source(name, text(part) if part else ""))
    return remote_of(host).run(script, *args, stdin=stdin, timeout=timeout, cancelled=cancelled)


def must(
    host: Host,
    name: str,
    *args: str,
    stdin: bytes = b"",
    timeout: float = 30.0,
    cancelled: Callable[[], bool] = never,
) -> bytes:
    """Run the script ``name`` on ``host`` and return its output; raise ``StepFailed`` with its last complaint."""
    done = run(host, name, *args, stdin=stdin, timeout=timeout, cancelled=cancelled)
    if done.exit_code != 0:
        raise StepFailed(f"{name}: {done.complaint}")
    return done.stdout
