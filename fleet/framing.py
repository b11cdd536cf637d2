"""How a program travels to a machine and its answer back: by length and by random markers, never by a prompt."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

# dd, since it reads exactly so many bytes: the heads of busybox and of uutils take more than they pass on, and what is
# behind the program on standard input is the program's own. One that was cut off on its way is not run.
BOOTSTRAP = (
    'program=$(dd bs="$1" count=1 iflag=fullblock 2>/dev/null); '
    'case $program in *"#$2") shift 2 && eval "$program" ;; *) echo "its program came cut short" >&2; exit 125 ;; esac'
)
# A script knows nothing of markers. The shell around it outlives a signal to the group: the script may still clean up.
_ENCLOSED = """\
printf '@%s begin\\n' {marker}
trap : HUP INT TERM
(
{script}
)
code=$?
printf '@%s end %s\\n' {marker} "$code"
exit "$code"
"""


@dataclass(frozen=True)
class Answer:
    """What a program printed between its markers; without an ``exit_code`` it was cut off before its end."""

    stdout: bytes
    exit_code: int | None


@dataclass(frozen=True)
class Frame:
    """The markers of one call: nothing else that is printed on the way can be taken for them."""

    marker: str = field(default_factory=lambda: secrets.token_hex(16))

    def enclosed(self, script: str) -> str:
        """Return a program that runs ``script`` between the markers."""
        return _ENCLOSED.format(marker=self.marker, script=script)

    def packed(self, program: str) -> bytes:
        """Return ``program`` as it is sent on standard input, ahead of its own input."""
        return f"{program}\n#{self.marker}".encode()

    def words(self, name: str, packed: bytes, args: Sequence[str]) -> list[str]:
        """Return the command that reads ``packed`` and runs it with ``args``; ``ps`` shows it with ``name``."""
        return ["sh", "-c", BOOTSTRAP, f"containerd-fleet-{name}", str(len(packed)), self.marker, *args]

    def reports(self, stdout: bytes | bytearray, start: int) -> tuple[list[str], int]:
        """Return the program's own lines from ``start`` on, such as ``begin`` or ``done arm``, and where they end."""
        reports = []
        for line in re.compile(b"@%s (.*)\n" % re.escape(self.marker.encode())).finditer(stdout, start):
            reports.append(line[1].decode(errors="replace"))
            start = line.end()
        # The last line may not be whole yet: it is looked at again, and all before it never again.
        return reports, max(start, stdout.rfind(b"\n") + 1)

    def answer(self, stdout: bytes) -> Answer | None:
        """Return what is between the markers in all that was printed; ``None`` where the program never began.

        Its other reports are no part of that.
        """
        mark = re.escape(self.marker.encode())
        begin = re.search(b"@%s begin\n" % mark, stdout)
        if begin is None:
            return None
        end = re.compile(b"@%s end ([0-9]{1,3})\n" % mark).search(stdout, begin.end())
        inside = stdout[begin.end() : None if end is None else end.start()]
        return Answer(re.sub(b"@%s .*\n" % mark, b"", inside), None if end is None else int(end[1]))
