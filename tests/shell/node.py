"""A node in a temporary directory: the tree that fleet-node works on, and scripted programs on its PATH."""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from node import program

SHELLS = ("dash", "bash", "busybox")
MARKER = "0f" * 8
PID = "4242"
BOOT = "b00t"
CONFIG = "version = 2\n"
TOOLS = (
    *(
        "base64",
        "basename",
        "cat",
        "chmod",
        "cp",
        "cut",
        "date",
        "df",
        "dirname",
        "find",
        "flock",
        "grep",
        "head",
        "ln",
    ),
    *(
        "ls",
        "mkdir",
        "mktemp",
        "mv",
        "readlink",
        "realpath",
        "rm",
        "rmdir",
        "sha256sum",
        "sleep",
        "sort",
        "stat",
        "sync",
    ),
    *("tac", "tail", "timeout", "touch", "tr", "wc", "xargs", "nsenter"),
)
"""What busybox would otherwise do by itself, whatever is on PATH: a node has coreutils, grep, findutils, util-linux."""


@dataclass(frozen=True)
class Answer:
    """What the program printed: its values by name, the lines that begin with the marker, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def values(self) -> dict[str, str]:
        lines = (line[1:].split(" ", 1) for line in self.stdout.splitlines() if line.startswith("="))
        return {name: base64.b64decode(data).decode() for data, name in lines}

    @property
    def reports(self) -> list[str]:
        marked = f"@{MARKER} "
        return [line.removeprefix(marked) for line in self.stdout.splitlines() if line.startswith(marked)]


@dataclass
class ScriptedNode:
    """The tree below ``root``; ``log`` has what the scripted programs were asked, in order."""

    root: Path
    shell: str = "dash"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.write("proc/uptime", "1000.50 2000.00\n")
        self.write("proc/sys/kernel/random/boot_id", f"{BOOT}\n")
        self.write("proc/sys/fs/inotify/max_user_instances", "128\n")
        self.write("proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\n")
        self.write(f"proc/{PID}/cmdline", "/usr/bin/containerd\0")
        self.write(f"proc/{PID}/environ", "HOME=/root\0")
        for process in ("self", PID):
            (self.root / f"proc/{process}/ns").mkdir(parents=True, exist_ok=True)
            (self.root / f"proc/{process}/ns/mnt").symlink_to("mnt:[1]")
        for directory in ("bin", "log", "var/lib", "etc/systemd/system", "etc/containerd"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        self.script("containerd", "echo containerd github.com/containerd/containerd 1.7.24 abc")
        self.script("ctr", CTR)
        self.script("systemctl", SYSTEMCTL)
        self.script("systemd-run", SYSTEMD_RUN)
        (self.root / f"proc/{PID}/exe").symlink_to(self.bin / "containerd")
        self.write("etc/containerd/config.toml", CONFIG)

    @property
    def bin(self) -> Path:
        return self.root / "usr/local/bin"

    @property
    def base(self) -> Path:
        return self.root / "var/lib/containerd-fleet"

    @property
    def config(self) -> Path:
        return self.root / "etc/containerd/config.toml"

    @property
    def log(self) -> list[str]:
        file = self.root / "log/calls"
        return file.read_text().splitlines() if file.exists() else []

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def script(self, name: str, body: str) -> None:
        """Put a program of that name on PATH; it notes how it is called, and ``$ROOT`` is the node's tree."""
        root = shlex.quote(str(self.root))
        file = self.write(
            f"usr/local/bin/{name}", f'#!/bin/sh\nROOT={root}\necho "{name} $*" >>$ROOT/log/calls\n{body}\n'
        )
        file.chmod(0o755)

    @property
    def program(self) -> str:
        """The text of fleet-node for this tree."""
        text = program().replace("prefix=''\n", f"prefix={shlex.quote(str(self.root))}\n", 1)
        assert str(self.root) in text
        if self.shell != "busybox":
            return text
        # Only busybox passes over PATH for what it can do by itself.
        return "".join(map(self._function, TOOLS)) + text

    def _function(self, tool: str) -> str:
        scripted, real = self.bin / tool, shutil.which(tool)
        return f'{tool}() {{ if [ -x {scripted} ]; then {scripted} "$@"; else {real} "$@"; fi; }}\n'

    def command(self, *words: str) -> list[str]:
        shell = ["busybox", "sh"] if self.shell == "busybox" else [self.shell]
        text = self.root / "program"
        text.write_text(self.program)
        pid = shlex.quote(str(self.root / "log/pid"))
        line = f'echo $$ >{pid}; program=$(cat {shlex.quote(str(text))}) && eval "$program"'
        return [*shell, "-c", line, "fleet-node", *words]

    def rollback(self, run: str, *words: str) -> Answer:
        """Start the rollback of a transaction, as a person, the timer and the boot unit do."""
        shell = "busybox sh" if self.shell == "busybox" else self.shell
        line = f'echo $$ >{shlex.quote(str(self.root / "log/pid"))}; exec {shell} "$@"'
        return self._start(["sh", "-c", line, "sh", str(self.base / run / "rollback"), *words])

    def kill_at(self, call: int, when: str) -> None:
        """Have what runs die before or after that call of a program that changes something; 0 is never."""
        self.write("log/kill", f"{call} {when}\n")
        (self.root / "log/count").unlink(missing_ok=True)
        for tool in CHANGING:
            file = self.bin / tool
            if not (self.bin / f"{tool}.real").exists():
                real = file.rename(self.bin / f"{tool}.real") if file.exists() else Path(str(shutil.which(tool)))
                self.script(tool, f"real={real}\n{KILLING}")

    def run(self, *words: str, stdin: str = "", marker: bool = True) -> Answer:
        options = ("--marker", MARKER) if marker and words else ()
        return self._start(self.command(*words, *options), stdin)

    def _start(self, command: list[str], stdin: str = "") -> Answer:
        done = subprocess.run(
            command,
            input=stdin.encode(),
            start_new_session=True,
            capture_output=True,
            env={"PATH": os.environ["PATH"], **self.environment},
            timeout=60,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


CHANGING = ("mv", "ln", "rm", "mkdir", "rmdir", "cp", "systemctl", "systemd-run")
KILLING = """
read -r at when <"$ROOT/log/kill"
echo . >>"$ROOT/log/count"
struck=no
[ "$(wc -l <"$ROOT/log/count")" != "$at" ] || struck=yes
[ "$struck$when" != yesbefore ] || { kill -KILL -$(cat "$ROOT/log/pid") $$; }
"$real" "$@"
code=$?
[ "$struck" != yes ] || { kill -KILL -$(cat "$ROOT/log/pid") $$; }
exit "$code"
"""
CTR = """
case "$*" in
    *"plugins ls"*)
        cat "$ROOT/plugins" 2>/dev/null || printf '%s\n' 'TYPE ID PLATFORMS STATUS' 'io.containerd.grpc.v1 cri - ok' ;;
    *version*) printf 'Client:\\n  Version: 1.7.24\\nServer:\\n  Version: 1.7.24\\n' ;;
esac
"""
SYSTEMCTL = f"""
case "$*" in
    "show containerd.service -p MainPID --value") echo {PID} ;;
    "show containerd.service -p LoadState"*)
        printf '%s\\n' LoadState=loaded ActiveState=active MainPID={PID} KillMode=process
        cat "$ROOT/bound" 2>/dev/null ;;
    "show -p Id,ActiveState"*) shift 3; for unit; do printf 'Id=%s\\nActiveState=active\\n\\n' "$unit"; done ;;
    restart*) [ ! -e "$ROOT/no-start" ] || exit 1 ;;
    "show containerd.service -p InvocationID --value") cat "$ROOT/invocation" 2>/dev/null || echo i1 ;;
    "show containerd.service -p Result --value") echo exit-code ;;
    is-system-running) echo running ;;
    "is-active kubelet.service") echo inactive; exit 3 ;;
    --version) echo 'systemd 257 (257)' ;;
esac
"""
SYSTEMD_RUN = """
case "$*" in
    *" sandbox "*)
        [ -t 0 ] || cat >/dev/null
        [ ! -e "$ROOT/no-sandbox" ] || { echo "no sandbox" >&2; exit 1; }
        status=$(cat "$ROOT/sandbox.$(echo "$*" | sed "s/.*--files //;s/ .*//")" 2>/dev/null || echo ok)
        printf '=%s plugins\n' "$(printf 'io.containerd.grpc.v1 cri - %s\n' "$status" | base64 -w0)"
        printf '=%s alive\n' "$(echo yes | base64 -w0)" ;;
esac
"""
