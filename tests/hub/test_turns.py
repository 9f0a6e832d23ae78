"""Turns: never more than there are, who sees nothing first, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.hub.turns import Turns


async def takes(turns: Turns, log: list[str], name: str, can_wait: bool) -> None:
    async with turns.turn(can_wait):
        log.append(name)
        await asyncio.sleep(0.01)


def test_no_more_hold_a_turn_than_there_are(done: Callable) -> None:
    async def all_at_once() -> tuple[int, int]:
        turns, now, seen = Turns(2, 9), 0, []

        async def one() -> None:
            nonlocal now
            async with turns.turn(can_wait=False):
                now += 1
                seen.append(now)
                await asyncio.sleep(0.01)
                now -= 1

        await asyncio.gather(*(one() for _ in range(7)))
        return len(seen), max(seen)

    assert done(all_at_once()) == (7, 2)


def test_who_sees_nothing_comes_before_who_can_wait(done: Callable) -> None:
    async def order() -> list[str]:
        turns, log = Turns(1, 9), list[str]()
        who = [("first", True), ("words 1", True), ("words 2", True), ("nothing 1", False), ("nothing 2", False)]
        await asyncio.gather(*(takes(turns, log, *one) for one in who))
        return log

    assert done(order()) == ["first", "nothing 1", "nothing 2", "words 1", "words 2"]


def test_who_can_wait_has_no_turn_beside_who_sees_nothing(done: Callable) -> None:
    async def order() -> list[str]:
        turns, log = Turns(2, 9), list[str]()

        async def one(name: str, can_wait: bool) -> None:
            async with turns.turn(can_wait):
                log.append(f"{name} begins")
                await asyncio.sleep(0.01)
                log.append(f"{name} ends")

        await asyncio.gather(one("nothing", False), one("words 1", True), one("words 2", True))
        return log

    assert done(order())[:4] == ["nothing begins", "nothing ends", "words 1 begins", "words 2 begins"]


def test_a_page_that_never_ends_keeps_no_other_waiting_for_ever(done: Callable) -> None:
    async def held() -> tuple[list[str], list[str]]:
        turns, late, after = Turns(1, 0.05), list[str](), list[str]()
        async with turns.turn(can_wait=False):
            await takes(turns, late, "late", False)
        await takes(turns, after, "after", False)
        return late, after

    assert done(held()) == (["late"], ["after"])


def test_who_goes_away_leaves_no_turn_behind(done: Callable) -> None:
    async def gone() -> list[str]:
        turns, log = Turns(1, 9), list[str]()
        first, left, stays = (
            asyncio.ensure_future(takes(turns, log, name, False)) for name in ("first", "left", "stays")
        )
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.wait_for(asyncio.gather(first, stays), 2)
        await asyncio.wait_for(takes(turns, log, "later", False), 2)
        return log

    assert done(gone()) == ["first", "stays", "later"]
