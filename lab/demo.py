"""The whole story on the lab: nodes before, the caches, the rollout, nodes after, the proof. `make demo` runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab import state

PROJECT = Path(__file__).parent.parent
NODE = "worker-4"
LOOK = (
    "grep -A3 registry /etc/containerd/config.toml; ls /etc/containerd/certs.d 2>/dev/null; ctr plugins ls | grep cri"
)


def main() -> int:
    """Run the story and return the first exit code that is not 0; the lab is left up to look around in."""
    if reason := state.why_not():
        print(f"the demo needs the lab: {reason}", file=sys.stderr)
        return 1
    story = (
        ("Real nodes on this machine", ["lab", "up"]),
        ("Every node as on the first day", ["lab", "reset"]),
        ("The nodes", ["lab", "status"]),
        (f"{NODE} before: one wildcard mirror for everything", ["lab", "shell", NODE, LOOK]),
        ("A cache per registry, on the cache host", ["caches", "deploy"]),
        ("The caches are well, and every node reaches them", ["caches", "verify"]),
        ("The rollout", ["rollout", "--group", "workers", "--settle", "3"]),
        (f"{NODE} after: a cache per registry", ["lab", "shell", NODE, LOOK]),
        ("The proof: every node pulls through the caches", ["verify", "--group", "workers"]),
        ("The same again changes nothing", ["rollout", "--group", "workers"]),
        ("And back, as in an emergency", ["rollback", "--group", "workers"]),
    )
    for title, words in story:
        code = _show(title, words)
        if code:
            return code
    print("\nThe lab is still up: python main.py lab shell worker-2. Take it down with: python main.py lab down")
    return 0


def _show(title: str, words: list[str]) -> int:
    print(f"\n=== {title}\n$ python main.py {' '.join(words)}", flush=True)
    command = [sys.executable, str(PROJECT / "main.py"), *words]
    return subprocess.run(command, stdin=subprocess.DEVNULL, cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
