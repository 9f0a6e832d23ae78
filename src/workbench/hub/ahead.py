"""Words made while nobody waits: of what somebody looked at lately, and of every dashboard for each role and scope.

So the first viewer after a restart or a publication finds them, whichever audience of `access.yml` they belong to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Final

from tornado.log import app_log
from voila import __version__

from workbench.access.roles import OF_PERSONS, Viewer
from workbench.access.signed_in import AHEAD, viewer_told
from workbench.hub.kernels import Kernels
from workbench.hub.still import Key, Stills, key, today

RECENT: Final = 5 * 86_400.0
"""Seconds after the last look for which the words of a page are made anew, whatever its address asks for."""


class Ahead:
    """What is made of words before anybody asks for them."""

    def __init__(
        self,
        stills: Stills,
        kernels: Kernels,
        render: Callable[[str, str], Awaitable[str]],
        dashboards: Sequence[str],
        audiences: Callable[[], Mapping[Viewer, str]],
    ) -> None:
        self._stills, self._kernels, self._render = stills, kernels, render
        self._dashboards = [name for name in dashboards if name not in OF_PERSONS]
        self._audiences = audiences
        self._working = asyncio.Lock()
        self._failed: dict[Key, tuple[object, ...]] = {}

    async def make(self) -> None:
        """Make the words that are missing or no longer right, one page after the other, while few wait for theirs."""
        if self._working.locked():
            return
        async with self._working:
            for asked, told in self._missing():
                await self._kernels.calm()
                await self._make(asked, told)

    def _missing(self) -> Iterator[tuple[Key, str]]:
        """Yield what is to be made, and words that tell of its viewer; forget what nobody asks for or may see."""
        for asked, one in self._stills.outdated():
            lately = one.shown is not None and one.shown > monotonic() - RECENT
            if self._stills.find(asked):  # somebody has looked meanwhile
                continue
            if lately and key(asked[0], asked[1], viewer_told(one.told)) == asked:
                yield asked, one.told
            else:
                self._stills.forget(asked)
        now = today()
        self._failed = {asked: made_from for asked, made_from in self._failed.items() if made_from == now}
        for viewer, told in self._audiences().items():
            for asked in ((name, "", viewer) for name in self._dashboards):
                if self._stills.room > 0 and asked not in self._failed and not self._stills.find(asked, now):
                    yield asked, told
                    now = today()

    async def _make(self, asked: Key, told: str) -> None:
        made_from, html = today(), ""
        try:
            async with self._stills.making(asked, told, ahead=True) as parts:
                html = await self._page(asked, told)
                parts.append(html)
        except Exception:  # one page that fails keeps no other from being made
            html = "no page"
            app_log.exception("The words of %s could not be made.", asked[0])
        if not self._stills.find(asked):
            self._stills.forget(asked)
            if html:
                self._failed[asked] = made_from

    async def _page(self, asked: Key, told: str) -> str:
        """Return a page that nobody looks at yet, made in a kernel that ends with it; nothing where none is free."""
        kernel_id = await self._kernels.unowned(0)
        if not kernel_id:
            return ""
        try:
            request = {"SERVER_SOFTWARE": f"voila/{__version__}", "QUERY_STRING": asked[1], AHEAD: "1"}
            await self._kernels.tell(kernel_id, told, request)
            return await self._render(asked[0], kernel_id)
        finally:
            await self._kernels.end(kernel_id)
