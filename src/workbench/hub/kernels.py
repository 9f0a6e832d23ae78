"""The kernels of the shared server: each belongs to one sign-in, and is told its viewer before it runs a cell.

Some kernels wait warm: started, with the dashboards' libraries loaded, and knowing nobody. One is given to one
viewer through the server's own channel to it, never to another, and never back.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from tornado.web import HTTPError

from workbench.access.signed_in import VARIABLE
from workbench.hub.settings import PASSED_ON
from workbench.hub.turns import Turns

ALLOWED: Final = ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request")
"""What a page may say to its kernel: move a widget, and ask what there is. To run code is not among these."""

A_SIGN_IN, ALL = 4, 40
"""Most kernels of one sign-in (its oldest goes), and of all (the next viewer is asked to wait)."""

PROCESSORS: Final = len(os.sched_getaffinity(0))
QUIET, PATIENCE, PAUSE = 3.0, 30.0, 0.2
"""Seconds without a new page before a kernel is warmed beside viewers; the longest wait for that, or for a
turn; between two looks."""

_WARM: Final = "import workbench.dashboards, workbench.disclosure.published, pyarrow.parquet, IPython.display"


class Kernels:
    """Who owns which kernel, and the warm ones that nobody owns yet."""

    def __init__(self, manager: Any, folder: str, warm: int) -> None:
        self._manager, self._folder, self._wanted = manager, folder, warm
        self._owners: dict[str, str] = {}
        self._warm: list[str] = []
        self._filling = asyncio.Lock()
        self._rendering, self._last = 0, -QUIET
        self._turns = Turns(PROCESSORS, PATIENCE)
        self._background: set[asyncio.Task[None]] = set()

    def owned(self, kernel_id: str, owner: str) -> bool:
        """Return whether a kernel is there and belongs to a sign-in."""
        return bool(owner) and kernel_id in self._manager and self._owners.get(kernel_id) == owner

    async def start(self, owner: str, viewer: str, request: Mapping[str, str]) -> str:
        """Return a kernel of `owner`'s that knows its viewer and request. Raises HTTPError 503 if full."""
        await self.make_room(owner)
        kernel_id = self._warm.pop(0) if self._warm else await self._new()
        self._owners[kernel_id] = owner
        await self.tell(kernel_id, viewer, request)
        self.fill()
        return kernel_id

    async def make_room(self, owner: str) -> None:
        """End the oldest kernel of a sign-in that has all it may have. Raises HTTPError 503 if all are full."""
        self._forget_ended()
        mine = [one for one, whose in self._owners.items() if whose == owner]
        for oldest in mine[: max(0, len(mine) - A_SIGN_IN + 1)]:
            await self.end(oldest)
        if len(self._owners) >= ALL:
            raise HTTPError(503)

    async def tell(self, kernel_id: str, viewer: str, request: Mapping[str, str]) -> None:
        """Tell a kernel its viewer and request."""
        told = {name: request[name] for name in request if name not in os.environ} | {VARIABLE: viewer}
        await self._say(kernel_id, f"import os, json; os.environ.update(json.loads({json.dumps(told)!r}))")

    async def unowned(self, waiting: int) -> str:
        """Return a new kernel that nobody owns, where beside `waiting` ones there is a place; else nothing."""
        if len(self._owners) + len(self._warm) + waiting >= ALL:
            return ""
        kernel_id = await self._new()
        await self._say(kernel_id, _WARM)
        return kernel_id

    def give(self, kernel_id: str, owner: str) -> None:
        """Make a kernel that nobody owned a sign-in's."""
        self._owners[kernel_id] = owner

    def keep(self, kernel_ids: Iterable[str]) -> list[str]:
        """Return which kernels still run, and keep them from being ended for idleness while they wait."""
        running = [one for one in kernel_ids if one in self._manager]
        for one in running:
            self._manager.get_kernel(one).last_activity = datetime.now(UTC)
        return running

    async def calm(self) -> None:
        """Wait until few pages are being made and the last one began a while ago, though not for ever."""
        for _ in range(round(PATIENCE / PAUSE)):
            if self._rendering < PROCESSORS and time.monotonic() - self._last > QUIET:
                return
            await asyncio.sleep(PAUSE)

    @asynccontextmanager
    async def page(self, can_wait: bool) -> AsyncIterator[None]:
        """Wait for a turn and count a page that is being made, beside which no kernel is warmed.

        As many are made at once as there are processors: more would only keep each other, and the server, waiting.
        """
        self._rendering += 1
        self._last = time.monotonic()
        try:
            async with self._turns.turn(can_wait):
                self._last = time.monotonic()
                yield
        finally:
            self._rendering -= 1

    async def end(self, kernel_id: str) -> None:
        """Shut a kernel down and forget whose it was."""
        self._owners.pop(kernel_id, None)
        if kernel_id in self._manager:
            await self._manager.shutdown_kernel(kernel_id, now=True)

    async def end_all_of(self, owner: str) -> None:
        """Shut down every kernel of a sign-in that has ended."""
        for kernel_id in [one for one, whose in self._owners.items() if whose == owner]:
            await self.end(kernel_id)

    def fill(self) -> None:
        """Begin to start as many warm kernels as are wanted, one after the other."""
        task = asyncio.ensure_future(self._fill())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _fill(self) -> None:
        async with self._filling:
            self._forget_ended()
            self._warm = self.keep(self._warm)
            while len(self._warm) < self._wanted and len(self._owners) + len(self._warm) < ALL:
                await self.calm()
                self._warm.append(await self.unowned(0))

    def _forget_ended(self) -> None:
        self._owners = {one: whose for one, whose in self._owners.items() if one in self._manager}
        self._warm = [one for one in self._warm if one in self._manager]

    async def _new(self) -> str:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        started: str = await self._manager.start_kernel(kernel_name="python3", path=self._folder, env=environment)
        return started

    async def _say(self, kernel_id: str, code: str) -> None:
        """Run the server's own line in a kernel, unseen, and wait until it is done.

        The kernel's answer is enough: it puts nothing out, so nobody need wait until its output could be heard.
        """
        client = self._manager.get_kernel(kernel_id).client()
        client.start_channels()
        try:
            answer = await client.execute(code, silent=True, store_history=False, reply=True, timeout=120)
        finally:
            client.stop_channels()
        if answer["content"]["status"] != "ok":
            await self.end(kernel_id)
            raise HTTPError(500)


class ForOne:
    """The kernel manager as one viewer's page meets it: what it starts is theirs."""

    def __init__(self, manager: Any, kernels: Kernels, owner: str, viewer: str) -> None:
        self._manager, self._kernels, self._owner, self._viewer = manager, kernels, owner, viewer
        self.started = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    async def start_kernel(self, *, env: Mapping[str, str], **_: Any) -> str:
        """Return a kernel for a page, with Voilà's facts about the request in its environment; `started` names it."""
        self.started = await self._kernels.start(self._owner, self._viewer, env)
        return self.started
