"""What is made before anybody asks: each dashboard for each audience, and what somebody looked at."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("voila")

from workbench.access.roles import ALL, Scope, Units, Viewer
from workbench.access.signed_in import AHEAD, NOBODY, audiences, public_audience, told, viewer_told
from workbench.hub import ahead, still
from workbench.hub.ahead import Ahead
from workbench.hub.still import SORRY, Stills

PRINCIPAL = Viewer("p.cedar", "principal", Scope(schools=Units(frozenset({"S01"})), tables=ALL))
OTHER = replace(PRINCIPAL, user="p.harbor", scope=replace(PRINCIPAL.scope, schools=Units(frozenset({"S02"}))))
ACCESS = """min_count: 10
public: none
people:
  - {user: p.cedar, role: principal, schools: [S01], tables: all}
...
"""
FOUR = """min_count: 10
public: [open]
groups:
  harbor: [h.one, h.two]
people:
  - {user: p.cedar, role: principal, schools: [S01], tables: all}
  - {user: d.reed, role: principal, schools: [S01], tables: all}
  - {group: harbor, role: principal, schools: [S02], tables: all}
...
"""
PAGE = "<html><body><p>23.4 leavers</p></body></html>"


class Kernels:
    """Kernels that are only names; `full` has no place for another."""

    def __init__(self, full: bool = False) -> None:
        self.full, self.running, self.asked = full, list[str](), list[tuple[str, Mapping[str, str]]]()

    async def calm(self) -> None:
        pass

    async def unowned(self, waiting: int) -> str:
        self.running += [] if self.full else ["k"]
        return "" if self.full else "k"

    async def tell(self, kernel_id: str, viewer: str, request: Mapping[str, str]) -> None:
        self.asked.append((viewer, request))

    async def end(self, kernel_id: str) -> None:
        self.running.remove(kernel_id)


class Made:
    """Words made ahead, of pages that all look like `page`, and what was asked of kernels for them."""

    def __init__(self, full: bool = False, page: str = PAGE, dashboards: tuple[str, ...] = ("risk",)) -> None:
        self.stills, self.kernels, self.page, self.rendered = Stills(), Kernels(full), page, list[str]()
        self.ahead = Ahead(self.stills, self.kernels, self.render, dashboards, audiences)  # type: ignore[arg-type]

    async def render(self, name: str, kernel_id: str) -> str:
        assert kernel_id == "k"
        self.rendered.append(name)
        if self.page == "none":
            raise ConnectionError
        return self.page

    async def look(self, query: str = "grade=9") -> None:
        async with self.stills.making(still.key("risk", query, PRINCIPAL), told("p.cedar")) as parts:
            parts.append(PAGE)

    def right(self, query: str = "", viewer: Viewer = PRINCIPAL, name: str = "risk") -> bool:
        asked = still.key(name, query, viewer)
        return asked is not None and self.stills.find(asked) is not None

    @property
    def queries(self) -> list[str]:
        return [request["QUERY_STRING"] for _, request in self.kernels.asked]


def change(bare: Path, access: str) -> None:
    """Write access.yml anew, as at another time."""
    (bare / "access.yml").write_text(access)
    os.utime(bare / "access.yml", (1, 1))


def test_after_a_start_each_dashboard_is_made_for_each_role_and_scope_but_none_of_persons(
    done: Callable, bare: Path
) -> None:
    change(bare, FOUR)
    one = Made(dashboards=("caseload", "equity", "risk"))
    done(one.ahead.make())
    assert [(viewer, request[AHEAD]) for viewer, request in one.kernels.asked] == [
        *[(told("p.cedar"), "1")] * 2,
        *[(told(NOBODY, ["harbor"]), "1")] * 2,
    ]
    assert one.rendered == ["equity", "risk"] * 2
    assert [one.right(viewer=viewer) for viewer in (PRINCIPAL, viewer_told(told("d.reed")), OTHER)] == [True] * 3
    assert not one.right(viewer=PRINCIPAL, name="caseload")
    assert one.kernels.running == []
    done(one.ahead.make())
    assert len(one.rendered) == 4


def test_audiences_are_those_that_the_file_grants_and_none_while_it_cannot_be_used(bare: Path) -> None:
    change(bare, FOUR)
    assert {viewer: viewer_told(words).role for viewer, words in audiences().items()} == {
        replace(PRINCIPAL, user=""): "principal",
        replace(OTHER, user=""): "principal",
    }
    assert list(public_audience().values()) == [""]
    change(bare, FOUR.removesuffix("...\n"))
    assert audiences() == public_audience() == {}


def test_the_public_has_no_audience_where_nothing_is_shown_without_sign_in(bare: Path) -> None:
    assert public_audience() == {}


def test_after_a_change_what_was_looked_at_is_made_anew_first(done: Callable, bare: Path) -> None:
    async def both() -> Made:
        one = Made()
        await one.look("grade=9")
        await one.look("grade=10")
        change(bare, ACCESS + "\n...\n")
        await one.ahead.make()
        return one

    one = done(both())
    assert one.queries == ["grade=10", "grade=9", ""]
    assert [one.right(query) for query in one.queries] == [True] * 3
    assert {viewer for viewer, _ in one.kernels.asked} == {told("p.cedar")}


def test_words_of_a_scope_that_nobody_has_any_more_are_forgotten(done: Callable, bare: Path) -> None:
    async def after() -> Made:
        one = Made()
        await one.look()
        change(bare, ACCESS.replace("S01", "S02"))
        await one.ahead.make()
        return one

    one = done(after())
    assert (one.queries, one.right("grade=9")) == ([""], False)
    assert one.stills.outdated() == []


def test_what_nobody_looked_at_for_days_is_not_made_anew(
    done: Callable, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def after() -> Made:
        one = Made()
        await one.look()
        monkeypatch.setattr(ahead, "RECENT", -1.0)
        change(bare, ACCESS + "\n...\n")
        await one.ahead.make()
        return one

    assert done(after()).queries == [""]


def test_a_scope_that_changes_while_a_page_is_made_leaves_nothing_for_those_who_still_have_it(
    done: Callable, bare: Path
) -> None:
    async def meanwhile() -> list[bool]:
        one = Made()
        calm = one.kernels.calm

        async def changed() -> None:
            change(bare, ACCESS.replace("S01", "S02") if len(one.rendered) < 1 else FOUR)
            await calm()

        one.kernels.calm = changed  # type: ignore[method-assign]
        await one.ahead.make()
        return [one.right(viewer=viewer) for viewer in (PRINCIPAL, OTHER)]

    assert done(meanwhile()) == [False, False]


@pytest.mark.parametrize("page", ["none", f'<p class="{SORRY}"></html>'])
def test_a_page_that_fails_is_not_kept_nor_tried_again_before_something_changes(
    done: Callable, bare: Path, page: str
) -> None:
    one = Made(page=page)
    done(one.ahead.make())
    done(one.ahead.make())
    assert (one.rendered, one.right(), one.kernels.running) == (["risk"], False, [])
    one.page = PAGE
    change(bare, ACCESS + "\n...\n")
    done(one.ahead.make())
    assert one.right()


def test_a_page_that_fails_keeps_no_other_from_being_made(done: Callable, bare: Path) -> None:
    one = Made(dashboards=("equity", "risk"), page="none")
    done(one.ahead.make())
    assert one.rendered == ["equity", "risk"]


def test_where_no_place_is_free_it_is_tried_again(done: Callable, bare: Path) -> None:
    one = Made(full=True)
    done(one.ahead.make())
    assert (one.rendered, one.right()) == ([], False)
    one.kernels.full = False
    done(one.ahead.make())
    assert one.right()


def test_what_was_looked_at_does_not_go_for_what_is_made_ahead(
    done: Callable, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> Made:
        one = Made(dashboards=("equity", "risk"))
        await one.look()
        monkeypatch.setattr(still, "MOST", 2)
        await one.ahead.make()
        return one

    one = done(full())
    assert (one.rendered, one.right("grade=9"), one.right(name="equity")) == (["equity"], True, True)


def test_who_comes_while_a_page_is_made_ahead_waits_for_it(done: Callable, bare: Path) -> None:
    async def both() -> tuple[list[str], bool]:
        one = Made()
        begun = asyncio.Event()
        render = one.render

        async def slow(name: str, kernel_id: str) -> str:
            begun.set()
            await asyncio.sleep(0.01)
            return await render(name, kernel_id)

        one.ahead._render = slow
        making = asyncio.ensure_future(one.ahead.make())
        await begun.wait()
        asked = still.key("risk", "", PRINCIPAL)
        assert asked is not None
        found = await one.stills.find_or_wait(asked)
        await making
        return one.rendered, found is not None

    assert done(both()) == (["risk"], True)
