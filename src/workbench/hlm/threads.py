"""How many threads linear algebra takes: on small matrices two wait for each other more than they work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

THREADED = 1500  # rows of a matrix from which several threads pay


def threads_for(numbers: int) -> AbstractContextManager[Any]:
    """Take, within it, as many threads as pay for a matrix of so many numbers."""
    return _pools().limit(limits=None if numbers >= THREADED**2 else 1)


def one_thread() -> AbstractContextManager[Any]:
    """Take one thread within it, for many small steps."""
    return _pools().limit(limits=1)


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
