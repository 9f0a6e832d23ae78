"""Whose page is made next: first those who see nothing yet, then those who have the words of theirs already."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many turns at once; who waits longer than `patience` seconds goes on without one."""

    def __init__(self, at_once: int, patience: float) -> None:
        self._free, self._patience, self._asked = at_once, patience, 0
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, can_wait: bool) -> AsyncIterator[None]:
        """Wait for a turn and hold it; who `can_wait` comes after all who cannot."""
        mine = await self._take(can_wait)
        try:
            yield
        finally:
            if mine:
                self._give()

    async def _take(self, can_wait: bool) -> bool:
        if self._free:
            self._free -= 1
            return True
        place = asyncio.get_running_loop().create_future()
        self._asked += 1
        heapq.heappush(self._waiting, (can_wait, self._asked, place))
        try:
            await asyncio.wait_for(asyncio.shield(place), self._patience)
        except TimeoutError:
            return not place.cancel()
        except asyncio.CancelledError:  # the viewer has gone away
            if not place.cancel():
                self._give()
            raise
        return True

    def _give(self) -> None:
        """Hand a turn on to the next who still waits."""
        while self._waiting:
            *_, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
