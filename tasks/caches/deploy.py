"""Make the caches of one host what they are to be, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nornir.core.exceptions import NornirSubTaskError
from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from caches.plan import Act, Action, HostPlan
from caches.spec import CONFIGS, Wanted, name_of, volume_of
from fleet.errors import NotRecorded
from fleet.remote import Completed, never
from fleet.results import cause
from tasks import scripts, wire
from tasks.caches.files import write_files
from tasks.errors import Locked, NotServing, StepFailed

# Pulling the image, waiting for another's work, a trial, a stop, a start.
DEPLOY_SECONDS = 1200.0
INSTALL_SECONDS = 900.0
NOT_SERVING = 3
LOCKED = 4
UNLOCK = "once that run has ended, remove the lock with python main.py caches unlock"


@dataclass(frozen=True)
class Done:
    """How one action ended: ``error`` is ``None`` where it succeeded."""

    action: Action
    error: BaseException | None = None


def install_docker(task: Task) -> Result:
    """Install what is missing of Docker and cron from the distribution's packages, and start both.

    Raises ``StepFailed``.
    """
    scripts.must(task.host, "caches_install", timeout=INSTALL_SECONDS)
    return Result(host=task.host, changed=True)


def deploy(task: Task, plan: HostPlan, stop: Callable[[], bool], cancelled: Callable[[], bool] = never) -> Result:
    """Carry out ``plan``: the files of the upkeep first, which bring back a cache whatever happens to this run.

    The result is a ``Done`` for each action that was begun; after the first failure, and once ``stop`` says so,
    nothing new begins. What a maintenance lock refuses keeps no other cache from being started. Raises
    ``NornirSubTaskError`` where the files cannot be written, and ``NotRecorded``; no cache was touched then.
    """
    if plan.files:
        task.run(write_files, name="files", files=plan.files)
    done: list[Done] = []
    for action in plan.actions:
        if not action.acts or stop():
            continue
        try:
            task.run(carry_out, name=f"{action.act.value} {action.container}", action=action, cancelled=cancelled)
            done.append(Done(action))
        except NotRecorded:
            break
        except NornirSubTaskError as error:
            done.append(Done(action, cause(error.result)))
            if not isinstance(done[-1].error, Locked):
                break
    return Result(host=task.host, changed=bool(plan.files or done), result=tuple(done))


def carry_out(task: Task, action: Action, cancelled: Callable[[], bool] = never) -> Result:
    """Do one action. Raises ``StepFailed`` where it failed and what was there before serves as before.

    ``Locked`` where a maintenance lock refuses it, which is never so of a start; ``NotServing`` where what was there
    before does not serve either; ``CommandTimeout``, ``ConnectionLost`` and ``Interrupted`` where that is not known.
    """
    if action.act is Act.REMOVE:
        folder = f"{CONFIGS}/{name_of(action.container)}" if action.folder else ""
        volume = volume_of(action.container) if action.data else ""
        _must(task.host, cancelled, "caches_remove", action.container, folder, volume)
    elif action.act is Act.START:
        _must(task.host, cancelled, "caches_start", action.container)
    elif action.wanted is not None:
        _create(task.host, action.wanted, cancelled)
    return Result(host=task.host, changed=True, diff=action.diff)


def _create(host: Host, wanted: Wanted, cancelled: Callable[[], bool]) -> None:
    spec = wanted.spec
    values = {"config": wanted.config, "trial": _lines(wanted.trial), "options": _lines(wanted.options)}
    stdin = wire.encode({name: text.encode() for name, text in values.items()})
    words = (spec.container, spec.image.reference, spec.config_file, spec.mode, spec.volume, spec.name, spec.ca)
    _must(host, cancelled, "caches_create", *words, stdin=stdin)


def _must(host: Host, cancelled: Callable[[], bool], name: str, *words: str, stdin: bytes = b"") -> Completed:
    done = scripts.run(host, name, *words, stdin=stdin, timeout=DEPLOY_SECONDS, cancelled=cancelled)
    if done.exit_code == LOCKED:
        raise Locked(f"{done.complaint}; {UNLOCK}")
    if done.exit_code == NOT_SERVING:
        raise NotServing(f"{done.complaint}; and what ran before does not serve: docker logs {words[0]} says why")
    if done.exit_code != 0:
        raise StepFailed(done.complaint)
    return done


def _lines(words: tuple[str, ...]) -> str:
    return "".join(f"{word}\n" for word in words)
