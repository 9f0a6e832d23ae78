"""The words of pages as they were last made: shown at once to the next viewer of the same role and scope.

What moves needs a kernel of the viewer's own, which takes its time where many come at once; what can be read does not
depend on who of an audience reads it. Words made before something changed (what is published, who may see it, the
dashboard, the day) are never shown, and those of a page that names its viewer, or of which a part failed, are not kept.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from workbench.access.roles import Viewer
from workbench.access.signed_in import viewer_told
from workbench.hub.ready import SORRY, as_it_stands

ASKS: Final = "X-Workbench-Moving"
"""The header with which the script of a page of words asks for the page that moves."""

MOST, LONGEST_QUERY, PATIENCE = 512, 1000, 30.0
"""Pages of words that are kept; letters of an address; seconds to wait for another who makes the same page."""

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
    """A page of words as it goes over the wire, packed; what it was made from, for whom, and last shown when.

    `told` tells of the viewer as a kernel is told; `shown` is on the monotonic clock, and None until somebody looks.
    """

    packed: bytes
    made_from: tuple[object, ...]
    told: str
    shown: float | None

    @property
    def plain(self) -> bytes:
        """The same for who cannot unpack it."""
        return gzip.decompress(self.packed)


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

    def find(self, asked: Key, now: tuple[object, ...] = ()) -> Still | None:
        """Return a page that is right now, or None; who looks for many tells what `today` says."""
        found = self._kept.get(asked)
        return found if found and found.made_from == (now or today()) else None

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
    async def making(self, asked: Key | None, told: str, ahead: bool = False) -> AsyncIterator[list[str]]:
        """Give a list for the parts of a page that is being made, and keep its words if it became whole.

        Nobody looks at one that is made `ahead`: when it was shown last stays as it was.
        """
        parts: list[str] = []
        if asked is None or asked in self._making:
            yield parts
            return
        made_from, done = today(), asyncio.Event()
        self._making[asked] = done
        try:
            yield parts
            before = self._kept.get(asked)
            shown = (before.shown if before else None) if ahead else time.monotonic()
            await self._keep_words(asked, "".join(parts), made_from, told, shown)
        finally:
            del self._making[asked]
            done.set()

    def outdated(self) -> list[tuple[Key, Still]]:
        """Return the pages that are no longer right, those that were looked at last before the others."""
        now = today()
        found = [(asked, one) for asked, one in self._kept.items() if one.made_from != now]
        return sorted(found, key=lambda page: -(page[1].shown or 0.0))

    def forget(self, asked: Key) -> None:
        """Forget a page."""
        self._kept.pop(asked, None)

    @property
    def room(self) -> int:
        """How many more pages can be kept before one has to go."""
        return MOST - len(self._kept)

    async def _keep_words(
        self, asked: Key, html: str, made_from: tuple[object, ...], told: str, shown: float | None
    ) -> None:
        """Keep the words of a page that is whole, of which no part failed, and which does not name its viewer.

        Nor may what it depends on have changed since it was begun, or its viewer be of another audience by now: the
        kernel that made it may have known either.
        """
        page, viewer = words(html), viewer_told(told)
        whole = "</html>" in page and SORRY not in page and not _names(page, viewer.user)
        if whole and key(asked[0], asked[1], viewer) == asked and made_from == today():
            packed = await asyncio.to_thread(gzip.compress, page.encode(), 6)
            self._keep(asked, Still(packed, made_from, told, shown))

    def _keep(self, asked: Key, page: Still) -> None:
        self._kept[asked] = page
        self._kept.move_to_end(asked)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _names(page: str, user: str) -> bool:
    return bool(user) and re.search(rf"(?<!\w){re.escape(user)}(?!\w)", page) is not None
