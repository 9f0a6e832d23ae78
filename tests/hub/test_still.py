"""The words of a page: for one role and scope alone, never from before a change, never with a script of that page."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("voila")

from workbench.access.roles import ALL, OF_PERSONS, Scope, Units, Viewer
from workbench.access.signed_in import told
from workbench.hub import still
from workbench.hub.still import Still, Stills

PRINCIPAL = Viewer("p.cedar", "principal", Scope(schools=Units(frozenset({"S01"})), tables=ALL))
ACCESS = """min_count: 10
public: none
people:
  - {user: p.cedar, role: principal, schools: [S01], tables: all}
...
"""
PAGE = "<html><body><p>23.4 leavers</p><script>var secret = 1;</script></body></html>"


async def made(stills: Stills, html: str = PAGE, viewer: Viewer = PRINCIPAL, query: str = "") -> Still | None:
    asked = still.key("risk", query, viewer)
    async with stills.making(asked, told(viewer.user)) as parts:
        parts.extend([html[:20], html[20:]])
    return stills.find(asked) if asked else None


def test_words_are_the_page_without_its_scripts(done: Callable, bare: Path) -> None:
    found = done(made(Stills()))
    assert b"23.4 leavers" in found.plain
    assert b"secret" not in found.plain
    assert found.plain.count(b"<script>") == 1
    assert still.ASKS.encode() in found.plain
    assert gzip.decompress(found.packed) == found.plain


@pytest.mark.parametrize(
    "other",
    [
        replace(PRINCIPAL, scope=Scope(schools=Units(frozenset({"S02"})))),
        replace(PRINCIPAL, scope=replace(PRINCIPAL.scope, meal_programme=True)),
        replace(PRINCIPAL, role="counsellor"),
        Viewer("", "public", Scope()),
    ],
)
def test_another_role_or_scope_is_another_page(done: Callable, bare: Path, other: Viewer) -> None:
    stills = Stills()
    done(made(stills))
    asked = still.key("risk", "", other)
    assert asked is not None
    assert stills.find(asked) is None


def test_the_same_role_and_scope_share_a_page_but_not_another_address_or_dashboard(done: Callable, bare: Path) -> None:
    stills = Stills()
    done(made(stills))
    colleague = replace(PRINCIPAL, user="d.reed")
    found = [still.key(*which, colleague) for which in (("risk", ""), ("risk", "school=S01"), ("equity", ""))]
    assert [one is not None and stills.find(one) is not None for one in found] == [True, False, False]


@pytest.mark.parametrize("changed", ["access.yml", "published/demo/manifest.json", "notebooks/dashboards/risk.ipynb"])
def test_words_from_before_a_change_are_not_shown(done: Callable, bare: Path, changed: str) -> None:
    path = bare / changed
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("before")
    os.utime(path, (0, 0))
    stills = Stills()
    done(made(stills))
    path.write_text("after")
    asked = still.key("risk", "", PRINCIPAL)
    assert asked is not None
    assert stills.find(asked) is None


def test_words_of_a_page_that_changed_while_it_was_made_are_not_shown(done: Callable, bare: Path) -> None:
    async def half_way() -> Still | None:
        stills, asked = Stills(), still.key("risk", "", PRINCIPAL)
        async with stills.making(asked, told("p.cedar")) as parts:
            (bare / "access.yml").write_text("public: all\n...\n")
            parts.append(PAGE)
        return stills.find(asked) if asked else None

    assert done(half_way()) is None


def test_words_of_one_whose_scope_changed_after_they_came_are_not_kept_for_those_who_still_have_it(
    done: Callable, bare: Path
) -> None:
    (bare / "access.yml").write_text(ACCESS.replace("S01", "S02"))  # their kernel will read it now
    assert done(made(Stills())) is None


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("<p>", f'<p class="{still.SORRY}">'),
        PAGE.removesuffix("</html>"),
        PAGE.replace("23.4", "p.cedar: 23.4"),
    ],
)
def test_a_page_that_failed_or_names_its_viewer_is_not_kept(done: Callable, bare: Path, page: str) -> None:
    assert done(made(Stills(), page)) is None


def test_nobody_has_no_page_and_long_addresses_are_not_kept(bare: Path) -> None:
    assert still.key("risk", "", Viewer("nobody")) is None
    assert still.key("risk", "a" * 2000, PRINCIPAL) is None


@pytest.mark.parametrize(("viewers", "go_away", "shown", "made_by"), [(30, 0, 29, 1), (5, 1, 3, 2)])
def test_who_comes_while_a_page_is_made_waits_for_it_and_where_its_first_viewer_goes_away_another_makes_it(
    done: Callable, bare: Path, viewers: int, go_away: int, shown: int, made_by: int
) -> None:
    async def at_once() -> tuple[int, int]:
        stills, asked, making = Stills(), still.key("risk", "", PRINCIPAL), 0
        assert asked is not None

        async def one() -> bool:
            nonlocal making
            if await stills.find_or_wait(asked):
                return True
            making += 1
            async with stills.making(asked, told("p.cedar")) as parts:
                await asyncio.sleep(0.01)
                if making <= go_away:
                    raise ConnectionError
                parts.append(PAGE)
            return False

        found = await asyncio.gather(*(one() for _ in range(viewers)), return_exceptions=True)
        return sum(one is True for one in found), making

    assert done(at_once()) == (shown, made_by)


def test_there_is_a_limit_to_what_is_kept(done: Callable, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still, "MOST", 2)
    stills = Stills()
    for query in ("a=1", "a=2", "a=3"):
        done(made(stills, query=query))
    assert len(stills._kept) == 2


def test_no_page_with_rows_about_students_is_among_those_whose_words_are_kept() -> None:
    folder = Path(__file__).parents[2] / "notebooks" / "dashboards"
    of_persons = {path.stem for path in folder.glob("*.ipynb") if "rows_of_persons" in path.read_text(encoding="utf-8")}
    assert of_persons == set(OF_PERSONS)
