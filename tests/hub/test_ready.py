"""Pages that wait ready: given once, to one visit, and never after something changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("voila")
from workbench.hub import ready
from workbench.hub.ready import ReadyPages


class Kernels:
    """Kernels that are only names, and what was done with them."""

    def __init__(self) -> None:
        self.started, self.ended, self.owners, self.told = 0, [], {}, []

    async def unowned(self, waiting: int) -> str:
        self.started += 1
        return f"kernel-{self.started}" if waiting < 3 else ""

    async def tell(self, kernel_id: str, viewer: str, request: dict[str, str]) -> None:
        self.told.append((kernel_id, viewer, request))

    async def make_room(self, owner: str) -> None: ...

    async def calm(self) -> None: ...

    async def end(self, kernel_id: str) -> None:
        self.ended.append(kernel_id)

    def give(self, kernel_id: str, owner: str) -> None:
        self.owners[kernel_id] = owner

    def keep(self, kernel_ids: Any) -> list[str]:
        return [one for one in kernel_ids if one not in self.ended]


async def filled(kernels: Kernels, wanted: int = 2, html: str = "numbers in") -> ReadyPages:
    async def render(name: str, kernel_id: str) -> str:
        return f"{html} {kernel_id}"

    pages = ReadyPages(kernels, render, ["risk"], wanted, "", {"QUERY_STRING": ""})  # type: ignore[arg-type]
    await pages._fill()
    return pages


def test_a_page_is_given_once_with_its_kernel_and_another_takes_its_place(done: Callable, site: Path) -> None:
    async def given() -> list[str | None]:
        kernels = Kernels()
        pages = await filled(kernels)
        found = [await pages.take("risk", "a"), await pages.take("risk", "b")]
        await asyncio.gather(*pages._background)
        assert kernels.owners == {"kernel-1": "a", "kernel-2": "b"}
        assert pages.waiting == 2
        assert kernels.told[0] == ("kernel-1", "", {"QUERY_STRING": ""})
        return found

    assert done(given()) == ["numbers in kernel-1", "numbers in kernel-2"]


@pytest.mark.parametrize("changed", ["access.yml", "published/demo/manifest.json", "notebooks/dashboards/risk.ipynb"])
def test_a_page_from_before_a_change_is_not_given(done: Callable, site: Path, changed: str) -> None:
    path = site / changed
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (0, 0))

    async def late() -> str | None:
        kernels = Kernels()
        pages = await filled(kernels)
        path.write_text("min_count: 10\npublic: none\n...\n")
        found = await pages.take("risk", "a")
        assert kernels.ended == ["kernel-1", "kernel-2"]
        return found

    assert done(late()) is None


def test_a_page_whose_kernel_has_ended_is_not_given(done: Callable, site: Path) -> None:
    async def after() -> str | None:
        kernels = Kernels()
        pages = await filled(kernels, 1)
        await kernels.end("kernel-1")
        return await pages.take("risk", "a")

    assert done(after()) is None


def test_a_page_with_a_part_that_could_not_be_shown_does_not_wait(done: Callable, site: Path) -> None:
    async def failed() -> int:
        kernels = Kernels()
        pages = await filled(kernels, html=f'<p class="{ready.SORRY}">')
        assert kernels.ended == ["kernel-1"]
        return pages.waiting

    assert done(failed()) == 0


def test_there_is_a_limit_to_what_waits(done: Callable, site: Path) -> None:
    async def many() -> int:
        return (await filled(Kernels(), 10)).waiting

    assert done(many()) == 3
