"""The matrix at work: all chosen cells at once, as many as there are nodes, each test waits for its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab import control, topology
from tests.faults import cell_run, table
from tests.faults.cell_run import Verdict
from tests.faults.cells import Cell
from tests.faults.pool import Pool
from tests.faults.reference import Reference

_NONE = SimpleNamespace(params={})
Verdicts = Callable[[Cell], Verdict]


@pytest.fixture(scope="session")
def pool(request: pytest.FixtureRequest, _lab: None) -> Iterator[Pool]:
    """The lab's nodes for cells: those that were named, or more workers beside the standard ones."""
    named = request.config.getoption("--faults-nodes")
    if not named:
        control.up(request.config.getoption("--faults-workers"))
    standard = {node.name for node in topology.fleet()}
    chosen = named.split(",") if named else [node.name for node in control.nodes() if node.name not in standard]
    pool = Pool(control.select(control.nodes(), chosen))
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def verdicts(
    request: pytest.FixtureRequest, pool: Pool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Verdicts]:
    """Start every cell that was selected, and return what becomes of each."""
    cells = [cell for item in request.session.items for cell in _cells_of(item)]
    top = tmp_path_factory.mktemp("faults")
    reference = Reference(pool, top)
    executors = {name: ThreadPoolExecutor(len(nodes)) for name, nodes in pool.nodes.items()}

    def work(number: int, cell: Cell) -> Verdict:
        with pool.fresh(cell.variant.generation) as node:
            return cell_run.run(cell, node, reference.new_files(cell.variant, node), top / str(number))

    futures: dict[str, Future[Verdict]] = {
        cell.id: executors[cell.variant.generation].submit(work, number, cell) for number, cell in enumerate(cells)
    }
    yield lambda cell: futures[cell.id].result()
    for executor in executors.values():
        executor.shutdown(cancel_futures=True)
    _write_table(request.config, [future.result() for future in futures.values() if _has_verdict(future)])


def _cells_of(item: pytest.Item) -> list[Cell]:
    return [value for value in getattr(item, "callspec", _NONE).params.values() if isinstance(value, Cell)]


def _has_verdict(future: Future[Verdict]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _write_table(config: pytest.Config, verdicts: list[Verdict]) -> None:
    where = config.getoption("--faults-table")
    if not where or not verdicts:
        return
    file = Path(where)
    text = table.table(verdicts)
    old = file.read_text() if file.exists() else ""
    file.write_text(table.put(old, text) if table.BEGIN in old else f"{text}\n")
