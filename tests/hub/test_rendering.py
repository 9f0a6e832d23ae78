"""A page is begun as soon as its kernel is heard, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import Empty

import pytest

pytest.importorskip("voila")

from workbench.hub.rendering import heard


class Client:
    """A kernel's client to whom the first answers and the first output do not come."""

    def __init__(self, answers_lost: int = 0, outputs_lost: int = 0) -> None:
        self.asked, self.answers_lost, self.outputs_lost = 0, answers_lost, outputs_lost

    def kernel_info(self) -> None:
        self.asked += 1

    async def get_shell_msg(self, timeout: float) -> None:
        await self._come("answers_lost")

    async def get_iopub_msg(self, timeout: float) -> None:
        await self._come("outputs_lost")

    async def _come(self, which: str) -> None:
        await asyncio.sleep(0.001)
        if (lost := getattr(self, which)) > 0:
            setattr(self, which, lost - 1)
            raise Empty


@pytest.mark.parametrize(("answers_lost", "outputs_lost", "asked"), [(0, 0, 1), (2, 0, 3), (0, 1, 2), (1, 1, 3)])
def test_a_kernel_is_asked_until_it_answers_and_its_output_is_heard(
    done: Callable, answers_lost: int, outputs_lost: int, asked: int
) -> None:
    client = Client(answers_lost, outputs_lost)
    done(heard(client, 10))
    assert client.asked == asked


def test_a_kernel_that_never_answers_ends_the_wait(done: Callable) -> None:
    with pytest.raises(TimeoutError, match="does not answer"):
        done(heard(Client(answers_lost=10**6), 0.05))
