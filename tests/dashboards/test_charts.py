"""Charts on a page: each with its numbers as text."""

from __future__ import annotations

from workbench.dashboards.change import Estimate
from workbench.dashboards.charts import (
    Range,
    ranges,
    records,
    rich_table,
    sparkline,
    trend_columns,
    trend_figure,
    trend_words,
)
from workbench.dashboards.drawing import Line

LINE = Line("North & <b>", {"2024": Estimate(0.2, 0.1, 0.3), "2025": Estimate(0.4, 0.3, 0.5)})
EMPTY = Line("South", {"2024": Estimate(None)})


def test_a_trend_is_drawn_twice_and_told_once_in_words_and_in_a_table() -> None:
    page = trend_figure([LINE], "share", "Absence")
    assert page.count("<svg") == 2
    assert "North &amp; &lt;b&gt;: 20.0 % in 2024, 40.0 % in 2025." in page
    assert "40.0 % (30.0 to 50.0)" in page
    assert "<b>" not in page


def test_a_line_without_numbers_says_so() -> None:
    assert trend_words([EMPTY], "share") == "South: no number is shown."
    assert trend_columns([LINE, EMPTY], "share")["South"] == ["–", "–"]
    assert sparkline(EMPTY.points, "share") == "–"


def test_a_row_of_ranges_has_its_number_as_text_and_leads_on() -> None:
    rows = [
        Range("Alder", Estimate(0.5, 0.4, 0.6), "50 %", "?place=A1&b=1", True),
        Range("Elm", Estimate(None), "withheld"),
    ]
    page = ranges(rows, "share", "Absence.", ("all", 0.5))
    assert '<a class="wb-move" href="?place=A1&amp;b=1">Alder</a>' in page
    assert page.count("wb-dot") == 1
    assert "withheld" in page
    assert 'class="wb-chosen"' in page
    assert "The line marks all: 50.0 %." in page
    assert 'class="wb-span" style="left:0.00%;width:100.00%"' in page  # from 40 to 60 on an axis from 40 to 60


def test_a_table_of_cells_has_headings_for_rows_and_columns() -> None:
    page = rich_table({"A & B": ["<i>x</i>"], "C": ["y"]}, "Caption")
    assert '<th scope="col">A &amp; B</th>' in page
    assert '<th scope="row"><i>x</i></th><td data-label="C">y</td>' in page
    assert 'tabindex="0"' in page


def test_records_are_text_and_say_their_columns_where_rows_are_cards() -> None:
    page = records({"student": ["<P1>"], "grade": [9], "because": [None]}, "Students")
    assert '<th scope="row">&lt;P1&gt;</th><td data-label="grade">9</td><td data-label="because">–</td>' in page
    assert 'class="wb-table wb-records"' in page


def test_a_line_without_a_number_is_told_but_not_drawn() -> None:
    lines = [Line("Alder", {"2024": Estimate(0.5), "2025": Estimate(0.6)}), Line("District", {"2024": Estimate(None)})]
    figure = trend_figure(lines, "share", "Absent")
    assert "District: no number is shown." in figure
    assert ">District</text>" not in figure
    assert ">Alder</text>" in figure
