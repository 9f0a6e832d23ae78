"""Whose page is made next: first those who see nothing yet, then those who have the words of theirs already."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many turns at once; who waits longer than `patience` seconds goes on without one."""

    def __init__(self, at_once: int, patience: float) -> None:
        self._free, self._patience = at_once, patience
        self._asked, self._urgent = 0, 0
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, can_wait: bool) -> AsyncIterator[None]:
        """Wait for a turn and hold it; who `can_wait` comes after all who cannot, and not beside them."""
        mine = await self._take(can_wait)
        try:
            yield
        finally:
            if mine:
                self._give(can_wait)

    async def _take(self, can_wait: bool) -> bool:
        place = asyncio.get_running_loop().create_future()
        self._asked += 1
        heapq.heappush(self._waiting, (can_wait, self._asked, place))
        self._call()
        try:
            await asyncio.wait_for(asyncio.shield(place), self._patience)
        except TimeoutError:
            return not place.cancel()
        except asyncio.CancelledError:  # the viewer has gone away
            if not place.cancel():
                self._give(can_wait)
            raise
        return True

    def _give(self, can_wait: bool) -> None:
        self._free += 1
        self._urgent -= not can_wait
        self._call()

    def _call(self) -> None:
        """Hand what is free to the next who still wait."""
        while self._free and self._waiting:
            can_wait, _, place = self._waiting[0]
            if can_wait and self._urgent and not place.done():
                return
            heapq.heappop(self._waiting)
            if not place.done():
                self._free -= 1
                self._urgent += not can_wait
                place.set_result(None)
