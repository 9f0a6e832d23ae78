"""The parts of a page."""

from __future__ import annotations

import pytest
from scipy.stats import poisson

from workbench.dashboards import (
    Bar,
    bars,
    between,
    by_chance,
    cards,
    chance,
    listed,
    longest_first,
    of_hundred,
    people,
    shown,
    table,
    told_apart,
)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        ("withheld", "withheld"),
        (0.0, "0"),
        (0.004, "fewer than 1"),
        (0.052, "5"),
        (0.995, "100"),
        (1.0, "100"),
    ],
)
def test_a_share_is_told_as_people_of_a_hundred(share: float | str | None, text: str) -> None:
    assert of_hundred(share) == text


def test_people_are_whole() -> None:
    assert people(1260.0) == "1,260"
    assert people(0.3) == "fewer than 1"
    assert between(0.047, 0.094) == "(5 to 9)"
    assert between(None, None) == ""


@pytest.mark.parametrize("expected", [0.0, 0.3, 2.0, 90.0, 499.0, 1200.0, 90000.0])
def test_what_chance_alone_does_to_a_count(expected: float) -> None:
    low, high = poisson.ppf([0.025, 0.975], expected)
    assert chance(expected) == (low, high)
    assert by_chance("so many", expected) == f"so many; by chance alone {low:,.0f} to {high:,.0f}"
    assert by_chance("so many", "withheld") == "so many"
    assert chance("withheld") is None


def test_every_bar_has_its_value_as_text_and_the_longest_fills_the_width() -> None:
    html = bars([Bar("A", 10.0, "10 of 40"), Bar("B", 4.0, "4 of 60"), Bar("C", "withheld", "withheld")], "Leavers")
    assert [f"width:{width}%" in html for width in ("100.0", "40.0", "0.0")] == [True] * 3
    for text in ("Leavers", "10 of 40", "4 of 60", "withheld"):
        assert f">{text}<" in html


def test_limits_are_drawn_to_the_same_length_as_the_bars() -> None:
    html = bars([Bar("A", 10.0, "10 (4 to 20)", limits=(4, 20)), Bar("B", 5.0, "5")], "Leavers")
    assert html.count("wb-limits") == 1
    assert 'class="wb-limits" style="left:20.0%;width:80.0%"' in html
    assert [f'class="wb-bar" style="width:{width}%"' in html for width in ("50.0", "25.0")] == [True] * 2


def test_withheld_bars_come_last() -> None:
    items = [Bar("C", "withheld", ""), Bar("A", 1.0, ""), Bar("B", 2.0, "")]
    assert [item.label for item in longest_first(items)] == ["B", "A", "C"]


def test_whatever_a_table_holds_is_text_on_the_page() -> None:
    evil = "<script>alert(1)</script>"
    pages = (
        cards({evil: (evil, evil)}),
        bars([Bar(evil, 1, evil)], evil),
        table({evil: [evil]}, evil),
    )
    assert not any("<script" in page for page in pages)


def test_only_what_was_withheld_is_said_to_be() -> None:
    small, empty = {"n": None, "rate": None, "suppressed": True}, {"n": 12.0, "rate": None, "suppressed": False}
    assert shown(small) == {"n": "withheld", "rate": "withheld", "suppressed": True}
    assert shown(empty) == empty
    html = table({"n": [1.0, None, None]}, withheld=[False, True, False])
    assert [html.count(f">{text}<") for text in ("1", "withheld", "–")] == [1, 1, 1]


def test_lists_read_naturally() -> None:
    names = ["Grade 10", "All grades", "Grade 9", "Grade 9"]
    assert listed(names, first="All grades") == ["All grades", "Grade 9", "Grade 10"]
    assert listed(["cedar", "Birch", "All"], first="All") == ["All", "Birch", "cedar"]


def test_two_schools_of_one_name_are_told_apart() -> None:
    assert told_apart({"1": "Cedar", "2": "Cedar", "3": "Zion"}) == {"1": "Cedar (1)", "2": "Cedar (2)", "3": "Zion"}
