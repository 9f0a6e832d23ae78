"""Pages that wait ready for the public: run and rendered before anybody comes, each in a kernel of its own.

Only in public mode is the viewer known beforehand. A page is given once, to one visit, with its kernel; one that was
made before something changed (what is published, who may see it, the dashboard) is never given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workbench.access.policy import POLICY_FILE
from workbench.hub.kernels import Kernels
from workbench.paths import project_root

DEPENDS_ON: Final = (POLICY_FILE, "published/*/manifest.json", "notebooks/dashboards/*.ipynb")
SORRY: Final = "wb-sorry"
"""What stands in a page of which a part could not be shown."""


@dataclass(frozen=True)
class Ready:
    """A page and its kernel, and what it was made from."""

    kernel_id: str
    html: str
    made_from: tuple[tuple[str, int], ...]


def as_it_stands() -> tuple[tuple[str, int], ...]:
    """Return the files that a page depends on, each with when it was written."""
    root = project_root()
    files = sorted(path for pattern in DEPENDS_ON for path in root.glob(pattern))
    return tuple((str(path), path.stat().st_mtime_ns) for path in files)


class ReadyPages:
    """The pages of each dashboard that wait."""

    def __init__(
        self,
        kernels: Kernels,
        render: Callable[[str, str], Awaitable[str]],
        dashboards: Sequence[str],
        wanted: int,
        viewer: str,
        request: Mapping[str, str],
    ) -> None:
        self._kernels, self._render, self._wanted = kernels, render, wanted
        self._viewer, self._request = viewer, request
        self._pages: dict[str, list[Ready]] = {name: [] for name in dashboards}
        self._filling = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many pages wait, of all dashboards."""
        return sum(map(len, self._pages.values()))

    async def take(self, name: str, owner: str) -> str | None:
        """Return the HTML of a page whose kernel is now `owner`'s, or None where none waits. Raises HTTPError 503."""
        await self._discard(name)
        if not self._pages.get(name):
            return None
        await self._kernels.make_room(owner)
        if not self._pages[name]:  # another took it meanwhile
            return None
        one = self._pages[name].pop(0)
        self._kernels.give(one.kernel_id, owner)
        self.fill()
        return one.html

    def fill(self) -> None:
        """Begin to make as many pages as are wanted, one after the other."""
        task = asyncio.ensure_future(self._fill())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _fill(self) -> None:
        async with self._filling:
            for name, pages in self._pages.items():
                await self._discard(name)
                while len(pages) < self._wanted:
                    await self._kernels.calm()
                    if not await self._make(name):
                        break

    async def _make(self, name: str) -> bool:
        """Make one page; return False where there is no place for it, or something in it could not be shown."""
        now = as_it_stands()
        kernel_id = await self._kernels.unowned(self.waiting)
        if not kernel_id:
            return False
        await self._kernels.tell(kernel_id, self._viewer, self._request)
        html = await self._render(name, kernel_id)
        if SORRY in html:
            await self._kernels.end(kernel_id)
            return False
        self._pages[name].append(Ready(kernel_id, html, now))
        return True

    async def _discard(self, name: str) -> None:
        """Forget pages that are no longer right, or whose kernel has ended."""
        now, pages = as_it_stands(), self._pages.get(name, [])
        running = self._kernels.keep(one.kernel_id for one in pages)
        for one in [one for one in pages if one.made_from != now or one.kernel_id not in running]:
            pages.remove(one)
            await self._kernels.end(one.kernel_id)
