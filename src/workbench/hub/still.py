"""The words of pages as they were last made: shown at once to the next viewer of the same role and scope.

What moves needs a kernel of the viewer's own, which takes its time where many come at once; what can be read does not
depend on who of an audience reads it. Words made before something changed (what is published, who may see it, the
dashboard, the day) are never shown, and those of a page that names its viewer, or of which a part failed, are not kept.
After a change, what somebody looked at in the last days is made anew while nobody waits, before its next viewer comes.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from tornado.log import app_log
from voila import __version__

from workbench.access.roles import Viewer
from workbench.access.signed_in import AHEAD, viewer_told
from workbench.hub.kernels import Kernels
from workbench.hub.ready import SORRY, as_it_stands

ASKS: Final = "X-Workbench-Moving"
"""The header with which the script of a page of words asks for the page that moves."""

MOST, LONGEST_QUERY, PATIENCE, RECENT = 64, 1000, 30.0, 5 * 86_400.0
"""Pages of words that are kept; letters of an address; seconds to wait for another who makes the same page; seconds
after the last look for which words are made anew."""

_SCRIPTS: Final = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
_MOVE: Final = f"""<script>{{
  const token = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
  const headers = {{"{ASKS}": "1", ...(token ? {{"X-XSRFToken": token[1]}} : {{}})}};
  fetch(location.href, {{headers, cache: "no-store", redirect: "error"}}).then(async (answer) => {{
    if (!answer.ok) throw answer;
    const page = await answer.text(), place = window.scrollY;
    document.open();
    document.write(page);
    document.close();
    window.scrollTo(0, place);
  }}).catch(() => {{
    document.querySelector("#loading p").innerHTML = 'The filters did not come. <a href="">Load the page again</a>.';
  }});
}}</script>"""

Key = tuple[str, str, Viewer]


@dataclass(frozen=True)
class Still:
    """A page of words as it goes over the wire, packed and plain; what it was made from, for whom, and last shown when.

    `told` tells of the viewer as a kernel is told.
    """

    packed: bytes
    plain: bytes
    made_from: tuple[object, ...]
    told: str
    shown: float


def key(name: str, query: str, viewer: Viewer) -> Key | None:
    """Return what a page of words is kept under: dashboard, address and audience; None for what is not kept."""
    if viewer.role is None or len(query) > LONGEST_QUERY:
        return None
    return name, query, Viewer("", viewer.role, viewer.scope)


def words(html: str) -> str:
    """Return a page without its scripts, but with one that asks for the page that moves."""
    return _SCRIPTS.sub("", html).replace("</html>", f"{_MOVE}</html>")


def today() -> tuple[object, ...]:
    """Return what a page made now depends on: the files, and the day."""
    day: date = datetime.now(UTC).date()
    return day, *as_it_stands()


class Stills:
    """The pages of words of this server, and who is making which."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Still] = OrderedDict()
        self._making: dict[Key, asyncio.Event] = {}
        self._anew = asyncio.Lock()

    def find(self, asked: Key) -> Still | None:
        """Return a page that is right now, or None."""
        found = self._kept.get(asked)
        return found if found and found.made_from == today() else None

    async def find_or_wait(self, asked: Key) -> Still | None:
        """Return a page that is right now; where somebody is making it, when it is made."""
        end = time.monotonic() + PATIENCE
        while (found := self.find(asked)) is None and (making := self._making.get(asked)):
            try:
                await asyncio.wait_for(making.wait(), end - time.monotonic())
            except TimeoutError:
                break
        if found:
            self._keep(asked, replace(found, shown=time.monotonic()))
        return found

    @asynccontextmanager
    async def making(self, asked: Key | None, told: str) -> AsyncIterator[list[str]]:
        """Give a list for the parts of a page that is being made, and keep its words if it became whole."""
        parts: list[str] = []
        if asked is None or asked in self._making:
            yield parts
            return
        made_from, done = today(), asyncio.Event()
        self._making[asked] = done
        try:
            yield parts
            await self._keep_words(asked, "".join(parts), made_from, told, time.monotonic())
        finally:
            del self._making[asked]
            done.set()

    def outdated(self) -> list[tuple[Key, Still]]:
        """Return the pages to make anew: somebody looked lately, and sees as much as before; forget the others."""
        now, limit = today(), time.monotonic() - RECENT
        for asked, one in list(self._kept.items()):
            if one.shown < limit or key(asked[0], asked[1], viewer_told(one.told)) != asked:
                del self._kept[asked]
        return [(asked, one) for asked, one in self._kept.items() if one.made_from != now]

    async def make_anew(self, kernels: Kernels, render: Callable[[str, str], Awaitable[str]]) -> None:
        """Make the words of pages that are outdated, one after the other, while few wait for a page."""
        if self._anew.locked():
            return
        async with self._anew:
            for asked, before in self.outdated():
                await kernels.calm()
                made_from = today()
                try:
                    html = await _ahead(asked, before.told, kernels, render)
                except Exception:  # one page that fails keeps no other from being made
                    html = ""
                    app_log.exception("The words of %s could not be made anew.", asked[0])
                await self._keep_words(asked, html, made_from, before.told, before.shown)
                if not self.find(asked):
                    self._kept.pop(asked, None)

    async def _keep_words(self, asked: Key, html: str, made_from: tuple[object, ...], told: str, shown: float) -> None:
        page = words(html)
        if "</html>" in page and SORRY not in page and not _names(page, viewer_told(told).user):
            plain = page.encode()
            packed = await asyncio.to_thread(gzip.compress, plain, 6)
            self._keep(asked, Still(packed, plain, made_from, told, shown))

    def _keep(self, asked: Key, page: Still) -> None:
        self._kept[asked] = page
        self._kept.move_to_end(asked)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)


async def _ahead(asked: Key, told: str, kernels: Kernels, render: Callable[[str, str], Awaitable[str]]) -> str:
    """Return a page that nobody looks at yet, made in a kernel that ends with it; nothing where there is no place."""
    kernel_id = await kernels.unowned(0)
    if not kernel_id:
        return ""
    try:
        request = {"SERVER_SOFTWARE": f"voila/{__version__}", "QUERY_STRING": asked[1], AHEAD: "1"}
        await kernels.tell(kernel_id, told, request)
        return await render(asked[0], kernel_id)
    finally:
        await kernels.end(kernel_id)


def _names(page: str, user: str) -> bool:
    return bool(user) and re.search(rf"(?<!\w){re.escape(user)}(?!\w)", page) is not None
