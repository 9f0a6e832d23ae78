"""A page for everybody as a reader meets it: a file, opened without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.public import write


@pytest.fixture(scope="module")
def pages(demo_root: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(demo_root))
        write.write("demo", "2025-02-01T03:00:00+00:00")
    return demo_root / "public"


@pytest.fixture
def risk(pages: Path, visit: Callable) -> object:
    page = visit(f"file://{pages}/demo/risk_by_school_group.html").page
    page.wait_for_selector("#choices:not([hidden])")
    return page


def rows(page: object) -> list[list[str]]:
    """The visible cells of the visible rows, the picture aside."""
    return page.evaluate(
        "[...document.querySelectorAll('tbody tr:not([hidden])')].map(row => [...row.cells]"
        ".filter(cell => cell.checkVisibility() && !cell.classList.contains('drawn')).map(cell => cell.textContent))"
    )


def test_it_opens_with_each_school_and_a_click_goes_down_to_its_grades(risk: object) -> None:
    assert [row[:3] for row in rows(risk)] == [
        ["S01", "Cedar High", "360"],
        ["S02", "Harbor High", "240"],
        ["S03", "Northfield High", "600"],
        ["S04", "Zion", "60"],
    ]
    assert "In each of them Grade: all; Kind of group: all; Group: all." in risk.inner_text("#found")
    risk.get_by_role("button", name="S02").click()
    risk.wait_for_function("location.hash.includes('S02')")
    assert sorted(row[0] for row in rows(risk)) == [*("10", "11", "12", "9")]
    assert {row[1] for row in rows(risk)} == {"60"}
    risk.go_back()
    risk.wait_for_function("location.hash === ''")
    assert len(rows(risk)) == 4


def test_a_choice_that_leaves_nothing_gives_way_in_the_other_filters(risk: object) -> None:
    risk.get_by_label("Kind of group").select_option("sex")
    risk.wait_for_function("location.hash !== ''")
    # The total over groups belongs to no sex: each sex is shown instead, of each of the four schools.
    assert len(rows(risk)) == 8
    risk.get_by_role("combobox", name="School", exact=True).select_option("S04")
    risk.wait_for_function("location.hash.includes('S04')")
    assert [row[:2] for row in rows(risk)] == [["female", "30"], ["male", "30"]]


def test_what_is_withheld_is_told_and_is_nowhere_in_the_file(risk: object, pages: Path) -> None:
    risk.get_by_role("combobox", name="School", exact=True).select_option("S04")
    risk.get_by_label("Kind of group").select_option("race or ethnicity")
    risk.wait_for_function("document.querySelector('#found').textContent.includes('race')")
    assert any(set(row[1:]) == {"withheld"} for row in rows(risk))
    text = (pages / "demo" / "risk_by_school_group.html").read_text()
    assert "application/json" not in text
    assert "suppressed" not in text


def test_numbers_are_drawn_with_their_intervals(pages: Path, visit: Callable) -> None:
    page = visit(f"file://{pages}/demo/model_quality.html").page
    page.wait_for_selector("svg .interval", state="attached")
    assert page.locator("svg circle").count() == 5
    page.get_by_label("Picture of").select_option("none")
    assert page.locator("svg").count() == 0


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_it_can_be_read_at_any_width_and_asks_nobody(pages: Path, visit: Callable, width: int) -> None:
    for name in ("index", "demo/risk_by_school_group", "demo/fairness"):
        one = visit(f"file://{pages}/{name}.html", width=width)
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        assert one.page.locator("h1").count() == 1
        assert one.page.locator("main").count() == 1
        assert one.page.evaluate("[...document.querySelectorAll('select')].every(one => one.labels.length)")
        small = "[...document.querySelectorAll('button,select')].filter(one => one.checkVisibility()"
        assert one.page.evaluate(f"{small} && one.getBoundingClientRect().height < 24).length") == 0
        assert (one.elsewhere, one.failed) == ([], [])


def test_without_its_script_every_row_is_there(pages: Path, chromium: object) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{pages}/demo/risk_by_school_group.html")
    shown = page.locator("tbody tr:visible").count()
    assert shown == page.locator("tbody tr").count() > 200
    assert not page.locator("#choices").is_visible()
    context.close()


def test_on_paper_there_are_the_chosen_rows_and_no_filters(risk: object) -> None:
    risk.emulate_media(media="print")
    assert not risk.locator("#choices").is_visible()
    assert len(rows(risk)) == 4
    assert risk.locator("header strong").is_visible()
