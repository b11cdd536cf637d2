"""Whether a configuration loads, from what a second containerd on the node said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from containerd.plugins import cri_health, failure_reason, parse_plugins
from containerd.secrets import mask_urls
from containerd.versions import Generation

_LAST_WORDS = re.compile(r"^(?:containerd|panic|fatal error): .*|.*\blevel\"?[=:]\"?(?:fatal|panic)\b.*", re.MULTILINE)
_ERROR = re.compile(r"""\berror"?[=:]"((?:[^"\\]|\\.)*)\"""")
_MESSAGE = re.compile(r"""\bmsg"?[=:]"((?:[^"\\]|\\.)*)\"""")


class Verdict(Enum):
    """What a proof says."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Proof:
    """A verdict on a candidate, and the reason in containerd's own words; empty where it passed."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class Attempt:
    """One start of a second containerd.

    `plugins` and `details` are what `ctr plugins ls` printed, empty where it never answered; `log` has the lines in
    which it complained; `alive`: it still ran when it was killed; `seconds` is how long it had.
    """

    plugins: str
    details: str
    log: str
    alive: bool
    seconds: int

    def failure(self, generation: Generation) -> str | None:
        """Why a node of this generation cannot be run on it, on one line and without passwords; None where it can."""
        said = self._failure(generation)
        return None if said is None else mask_urls(" ".join(said.split()))

    def _failure(self, generation: Generation) -> str | None:
        if not self.alive:
            return _last_words(self.log) or "containerd exits without a word"
        if not self.plugins.strip():
            return f"containerd did not answer within {self.seconds} s"
        health = cri_health(parse_plugins(self.plugins), generation)
        return None if health.state == "ok" else failure_reason(self.details) or health.detail


def judge(candidate: str | None, live: str | None) -> Proof:
    """Return the verdict on a candidate from its failure and that of the live files, None where there is none.

    A failure that the live files do not share is the candidate's own; one that they share may be the sandbox's.
    """
    if candidate is None:
        return Proof(Verdict.PASSED, "")
    if candidate == live:
        return Proof(Verdict.INCONCLUSIVE, f"the live files fail alike: {candidate}")
    return Proof(Verdict.FAILED, candidate)


def _last_words(log: str) -> str:
    """What a daemon said at its end, without the time and in its own words, be its log text or JSON."""
    lines = _LAST_WORDS.findall(log)
    if not lines:
        return ""
    line: str = lines[-1]
    found = [match.group(1) for match in (_MESSAGE.search(line), _ERROR.search(line)) if match]
    return re.sub(r"\\(.)", r"\1", ": ".join(found)) or line.removeprefix("containerd: ")
