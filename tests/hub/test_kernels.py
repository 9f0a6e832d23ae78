"""Whose kernel is whose, and how many there may be; the manager that starts them is a stand-in."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from tornado.web import HTTPError

pytest.importorskip("voila")
from workbench.hub import kernels


class Manager:
    """Starts kernels that are only names."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.started = 0
        self.facts: defaultdict[str, SimpleNamespace] = defaultdict(SimpleNamespace)

    def get_kernel(self, name: str) -> SimpleNamespace:
        return self.facts[name]

    def __contains__(self, name: str) -> bool:
        return name in self.running

    async def start_kernel(self, **_: object) -> str:
        self.running.append(f"kernel-{self.started}")
        self.started += 1
        return self.running[-1]

    async def shutdown_kernel(self, name: str, now: bool) -> None:
        self.running.remove(name)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    async def unsaid(*_: object) -> None:
        return None

    monkeypatch.setattr(kernels.Kernels, "_say", unsaid)
    return Manager()


def test_the_fifth_page_of_a_sign_in_ends_its_first(done: Callable, manager: Manager) -> None:
    async def opened() -> kernels.Kernels:
        one = kernels.Kernels(manager, "", 0)
        for _ in range(5):
            await one.start("a", "", {})
        return one

    found = done(opened())
    assert manager.running == ["kernel-1", "kernel-2", "kernel-3", "kernel-4"]
    assert [found.owned(f"kernel-{number}", "a") for number in range(5)] == [False, True, True, True, True]
    assert not found.owned("kernel-1", "b")
    assert not found.owned("kernel-1", "")


def test_who_comes_when_all_are_taken_is_refused_with_503_and_takes_nobodys(done: Callable, manager: Manager) -> None:
    async def opened() -> None:
        one = kernels.Kernels(manager, "", 0)
        for number in range(kernels.ALL):
            await one.start(f"viewer {number}", "", {})
        with pytest.raises(HTTPError) as refused:
            await one.start("one more", "", {})
        assert refused.value.status_code == 503
        assert len(manager.running) == kernels.ALL == 40

    done(opened())


def test_the_limit_is_told_in_words() -> None:
    pages = pytest.importorskip("workbench.hub.pages", reason="JupyterHub is not installed: type make setup-hub")
    assert pages.WORDS[503] == "Many people are looking at this moment. Please try again in a few minutes."


def test_a_kernel_that_waits_is_kept_from_being_ended_for_idleness(done: Callable, manager: Manager) -> None:
    async def waited() -> None:
        one = kernels.Kernels(manager, "", 1)
        one.fill()
        await asyncio.gather(*one._background)
        manager.facts["kernel-0"].last_activity = datetime.now(UTC) - timedelta(hours=1)
        one.fill()
        await asyncio.gather(*one._background)

    done(waited())
    assert manager.running == ["kernel-0"]
    assert datetime.now(UTC) - manager.facts["kernel-0"].last_activity < timedelta(minutes=1)


def test_no_kernel_is_warmed_beside_a_page_that_is_being_made(
    done: Callable, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "QUIET", 0.05)
    monkeypatch.setattr(kernels, "PAUSE", 0.01)
    monkeypatch.setattr(kernels, "PROCESSORS", 1)

    async def made() -> tuple[int, int]:
        one = kernels.Kernels(manager, "", 2)
        async with one.page(can_wait=False):
            one.fill()
            await asyncio.sleep(0.1)
            beside = manager.started
        await asyncio.gather(*one._background)
        return beside, manager.started

    assert done(made()) == (0, 2)
