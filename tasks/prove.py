"""Have the node's own containerd load the candidate beside the live one, before anything that is live changes."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from containerd.decide import NodePlan
from containerd.model import generation_of, release_of
from containerd.probe import Attempt, Proof, Verdict, judge, sandbox
from fleet.remote import Completed, never
from tasks import scripts, wire
from tasks.errors import StepFailed
from tasks.run import Run

# Beside the time that containerd has: for the sandbox itself, then for systemd to end it.
SETUP_SECONDS = 10
END_SECONDS = 10
PROBE_SECONDS = 10


def prove(task: Task, plan: NodePlan, run: Run, *, accept_inconclusive: bool = False, within: int = 20) -> Result:
    """Start a second containerd on the staged files of ``run``, in a sandbox; return a ``Proof``.

    It has ``within`` seconds. Where it fails, the live files are tried too, to tell the candidate's fault from the
    sandbox's. Nothing on the node changes, and nothing stays. In a dry run, and where containerd would not be
    restarted, nothing is done. Raises ``StepFailed`` where the candidate fails, and where the proof is inconclusive
    unless ``accept_inconclusive``; and what ``scripts.must`` raises.
    """
    if task.is_dry_run() or not plan.restart:
        return Result(host=task.host, result=Proof(Verdict.PASSED, ""))
    proof = _proof(task.host, plan, run, within)
    if proof.verdict is Verdict.FAILED:
        raise StepFailed(f"the candidate does not load: {proof.detail}; the node was not touched")
    if proof.verdict is Verdict.INCONCLUSIVE and not accept_inconclusive:
        raise StepFailed(
            f"the proof is inconclusive ({proof.detail}); the node was not touched, --without-proof goes on"
        )
    return Result(host=task.host, result=proof)


def probe(host: Host) -> str:
    """Return why no sandbox can be made on ``host``, empty where it can. Changes nothing there.

    Raises what ``Remote.run`` does.
    """
    name = f"containerd-fleet-probe-{secrets.token_hex(4)}"
    done = _enclosed(host, name, {}, PROBE_SECONDS)
    return "" if done.exit_code == 0 else done.complaint


def _proof(host: Host, plan: NodePlan, run: Run, within: int) -> Proof:
    staged = f"{scripts.BASE}/{run.id}" if plan.files else ""
    try:
        failure = _attempt(host, plan, run, staged, within)
        if failure is None or not staged:
            return judge(failure, failure)
        return judge(failure, _attempt(host, plan, run, "", within))
    except _NoSandbox as error:
        return Proof(Verdict.INCONCLUSIVE, str(error))


class _NoSandbox(Exception):
    pass


def _attempt(host: Host, plan: NodePlan, run: Run, staged: str, within: int) -> str | None:
    """Why containerd does not load what is staged, or else the live files; None where it does."""
    name = f"containerd-fleet-proof-{run.id}-{'candidate' if staged else 'live'}"
    lives = within + SETUP_SECONDS
    done = _enclosed(host, name, _settings(plan, staged, within), lives, lambda: run.stop.urgent)
    if done.exit_code != 0:
        raise _NoSandbox(f"the sandbox could not be made: {done.complaint}")
    seen = wire.decode(done.stdout)
    log, alive = wire.message(seen, "log"), bool(wire.text(seen, "alive"))
    attempt = Attempt(wire.message(seen, "plugins"), wire.message(seen, "details"), log, alive, within)
    return attempt.failure(generation_of(plan.facts.daemon.version))


def _enclosed(
    host: Host, name: str, settings: Mapping[str, str], lives: int, cancelled: Callable[[], bool] = never
) -> Completed:
    """Run the script of the sandbox as the unit ``name``, which is killed after so many seconds.

    The script goes through standard input: systemd replaces variables in a command line. In braces, the shell reads it
    whole before it begins.
    """
    lines = "".join(f"{key}={shlex.quote(value)}\n" for key, value in settings.items())
    script = f"{{\n{scripts.source('sandbox', lines)}}} </dev/null\n".encode(errors="surrogateescape")
    arguments = (name, str(lives))
    return scripts.run(host, "prove", *arguments, stdin=script, timeout=lives + END_SECONDS, cancelled=cancelled)


def _settings(plan: NodePlan, staged: str, within: int) -> dict[str, str]:
    facts, daemon = plan.facts, plan.facts.daemon
    candidate = replace(facts.files, texts={**facts.files.texts, **plan.decision.files})
    hidden = sandbox((facts.files, candidate), (daemon.binary, daemon.ctr))
    plugins = release_of(daemon.version).health
    return {
        "staged": staged,
        "seconds": str(within),
        "binary": daemon.binary,
        "ctr": daemon.ctr,
        "socket": daemon.socket,
        "config": facts.config_file,
        "plugins": "\n".join(f"type=={kind},id=={name}" for kind, name in plugins),
        "covers": "\n".join(cover.path for cover in hidden.covers),
        "needed": "\n".join(hidden.needed),
    }
