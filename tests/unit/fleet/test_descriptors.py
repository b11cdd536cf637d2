"""What a process without free descriptors says, and how far its limit is raised."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator

import pytest

from fleet.descriptors import exhausted, needed, raise_limit
from fleet.errors import UsageError


@pytest.fixture(autouse=True)
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_and_never_lowered(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    raise_limit(400)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (400, hard)
    raise_limit(350)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (400, hard)
    if hard != resource.RLIM_INFINITY:
        with pytest.raises(UsageError, match=f"need {hard + 1} open files, and this user may have {hard}"):
            raise_limit(hard + 1)


def test_a_connection_is_kept_for_each_node_and_work_is_limited() -> None:
    assert needed(1000, 100) - needed(999, 100) == 1
    assert needed(1, 100) - needed(0, 100) > 1


def test_a_process_that_ran_out_of_descriptors_says_so() -> None:
    taken: list[int] = []
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        with pytest.raises(OSError, match="Too many open files") as refused:
            take_all(taken)
    finally:
        for descriptor in taken:
            os.close(descriptor)
    assert exhausted(refused.value) == (
        "this controller has too many files open (limit 200): raise it with ulimit -n, or select fewer nodes"
    )
    assert not exhausted(OSError(errno.ECONNREFUSED, "Connection refused"))


def take_all(taken: list[int]) -> None:
    while True:
        taken.append(os.open(os.devnull, os.O_RDONLY))
