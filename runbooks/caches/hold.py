"""The maintenance lock that a run has on the caches, wave by wave. If the controller dies it expires."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nornir.core import Nornir
from nornir.core.task import Result, Task

from fleet.inventory import Fleet
from fleet.runner import FleetRunner
from fleet.screen import Screen
from fleet.session import only
from runbooks.outcomes import failure
from tasks.caches.hold import hold, release
from tasks.run import Run


@dataclass(frozen=True)
class Hold:
    """The maintenance lock of one ``run`` on all cache hosts, each time for ``seconds``."""

    fleet: Fleet
    nornir: Nornir
    run: Run
    screen: Screen
    seconds: float

    @property
    def who(self) -> str:
        """Whom a refusal names."""
        return f"run {self.run.id} of {self.run.owner}"

    def renew(self) -> str:
        """Lock them from now on; return why that is not possible on a cache host, or nothing."""

        def renew_one(task: Task) -> Result:
            task.run(hold, seconds=self.seconds, run=self.run.id, who=self.who)
            return Result(host=task.host)

        return "; ".join(self._each(renew_one, "hold"))

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release it at the end, whatever happens. Where that fails it expires: a warning, no failure of the run."""

        def release_one(task: Task) -> Result:
            task.run(release, runs=[self.run.id])
            return Result(host=task.host)

        try:
            yield
        finally:
            for line in self._each(release_one, "release"):
                self.screen.progress(f"warning: {line}; the maintenance lock there expires within {self.seconds:.0f} s")

    def _each(self, step: Callable[[Task], Result], name: str) -> list[str]:
        """Do ``step`` on every cache host, also once a stop was asked for; return what failed."""
        hosts = only(self.nornir, self.fleet.cache_hosts).with_runner(FleetRunner(10, self.run.stop.to_the_end()))
        results = hosts.run(step, name=name, on_failed=True)
        return [f"{host}: {failure(result).reason}" for host, result in results.items() if result.failed]
