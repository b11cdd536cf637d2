"""Imports are followed as far as a node can mean them, and no further."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tasks import reading
from tasks.errors import NodeNotReady
from tasks.inspect import read_facts
from tests.fakes.fleet import FakeFleet, build
from tests.fakes.node import CONFIG, emit
from tests.fakes.remote import Call

NODE = "worker-1"
Answer = Callable[[Call], bytes]


def asked(call: Call) -> tuple[str, ...]:
    """The imports that a further call asks for."""
    return call.args[1::2]


def endless(numbers: Iterator[int]) -> Answer:
    """Each file that is asked for imports one that nobody has heard of."""
    return lambda call: emit(
        {f"file:{path}": f'version = 2\nimports = ["/etc/next-{next(numbers)}.toml"]\n' for path in asked(call)}
    )


def many(numbers: Iterator[int]) -> Answer:
    """Each file imports a hundred others."""
    return lambda call: emit(
        {
            f"file:{path}": f"version = 2\nimports = {[f'/etc/{next(numbers)}.toml' for _ in range(100)]}\n"
            for path in asked(call)
        }
    )


def huge(_: Iterator[int]) -> Answer:
    """One file is larger than all that a node may have."""
    return lambda call: emit({f"file:{path}": "#" * (reading.IMPORT_BYTES + 1) for path in asked(call)})


@pytest.fixture
def fakes(tmp_path: Path) -> FakeFleet:
    fakes = build(tmp_path, {NODE: "1.7"})
    config = fakes[NODE].files[CONFIG].decode()
    fakes[NODE].files[CONFIG] = config.replace("version = 2", 'version = 2\nimports = ["/etc/first.toml"]', 1).encode()
    return fakes


@pytest.mark.parametrize(
    ("answer", "reason"), [(endless, "more than 32 deep"), (many, "more than 256 files"), (huge, "larger than 16 MB")]
)
def test_imports_without_end_are_refused(
    fakes: FakeFleet, answer: Callable[[Iterator[int]], Answer], reason: str
) -> None:
    fakes[NODE].when("facts", "--read", answer=answer(count()))
    with pytest.raises(NodeNotReady, match=reason):
        read_facts(fakes.fleet.inventory.hosts[NODE])
    assert len(fakes[NODE].called("facts")) <= reading.IMPORT_ROUNDS + 1


def test_a_chain_of_imports_is_followed(fakes: FakeFleet) -> None:
    numbers = iter(range(10))

    def answer(call: Call) -> bytes:
        number = next(numbers)
        imports = f'imports = ["/etc/{number}.toml"]\n' if number < 9 else ""
        return emit({f"file:{path}": f"version = 2\n{imports}" for path in asked(call)})

    fakes[NODE].when("facts", "--read", answer=answer)
    facts = read_facts(fakes.fleet.inventory.hosts[NODE])
    assert {"/etc/first.toml", "/etc/0.toml", "/etc/8.toml"} <= set(facts.files.texts)
