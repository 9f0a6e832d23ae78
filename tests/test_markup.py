"""Tables as a person reads them."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from workbench.dashboards import blocks
from workbench.markup import decimals, html_table, in_words, meanings_by_heading, said_once, with_intervals


def cells(html: str) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", html)


def headings(html: str) -> list[str]:
    return re.findall(r"<th[^>]*>([^<]*)</th>", html)


@pytest.mark.parametrize("name", ["school_year", "year", "School year", "cohort", "ninth_grade_year", "school_id"])
@pytest.mark.parametrize("value", [2025, 2025.0])
def test_a_year_or_an_identifier_has_no_thousands_separator(name: str, value: float) -> None:
    assert cells(html_table({name: [value]})) == ["2025"]
    assert cells(blocks.table({name: [value]})) == ["2025"]


def test_a_number_of_students_has_one() -> None:
    assert cells(html_table({"students": [2025], "years_ahead": [1]})) == ["2,025", "1"]


def test_a_year_that_is_not_known_leaves_the_others_whole() -> None:
    assert cells(html_table({"year": [2025.0, math.nan, None]})) == ["2025", "–", "–"]


def test_whatever_names_a_published_row_is_written_as_a_name() -> None:
    assert cells(html_table({"at": [2025, 3], "n": [2025, 3]}, names=["at"])) == ["2025", "2,025", "3", "3"]


def test_kindergarten_is_k() -> None:
    assert cells(html_table({"grade_level": [0, 1, 10]})) == ["K", "1", "10"]
    assert cells(html_table({"final_grade": [0, 20]})) == ["0", "20"]


def test_codes_are_shown_in_words_but_names_of_columns_and_schools_as_they_are() -> None:
    html = html_table(
        {"group_kind": ["race_ethnicity"], "column": ["prior_gpa"], "school_id": ["d_1"], "conf_low": [1.5]}
    )
    assert cells(html) == ["race or ethnicity", "prior_gpa", "d_1", "1.500"]
    assert headings(html) == ["kind of group", "column", "school", "95 % interval, from"]
    assert in_words("pacific_islander") == "Pacific Islander"
    assert in_words("chronic_absence") == "chronic absence"


def test_nothing_is_less_than_zero_by_rounding_alone() -> None:
    assert cells(html_table({"change": [-0.0004, -0.0006]})) == ["0.000", "-0.001"]


def test_the_limits_of_an_interval_are_one_column_with_the_same_decimals() -> None:
    columns: dict[str, Any] = {"mean_low": [0.871, None], "mean_high": [1.0, None], "covered_low": [0.5, 0.6]}
    assert with_intervals(columns) == {"mean interval": ["0.871 to 1.000", None], "covered_low": [0.5, 0.6]}


def test_a_withheld_interval_says_so() -> None:
    columns = with_intervals({"n": [12.0, None], "conf_low": [0.1, None], "conf_high": [0.2, None]})
    assert cells(html_table(columns, withheld=[False, True])) == ["12", "0.100 to 0.200", "withheld", "withheld"]


def test_what_every_row_shares_is_said_once_unless_it_is_a_number_or_nothing_would_be_left() -> None:
    columns = {"subject": ["math", "math"], "school_year": [2025, 2025], "share": [1.0, 1.0]}
    assert said_once(columns) == ({"share": [1.0, 1.0]}, "In every row, subject is math; school year is 2025.")
    assert said_once({"subject": ["math", "math"]}) == ({"subject": ["math", "math"]}, "")
    assert said_once({"subject": ["math"], "n": [1]}) == ({"subject": ["math"], "n": [1]}, "")


def test_small_numbers_among_large_ones_keep_a_digit_more() -> None:
    assert decimals([-10.4, 0.11, -8.4]) == 2
    assert decimals([-10.4, 1.1, -8.4]) == 1
    assert decimals([0.11, 0.5]) == 3


def test_a_probability_of_chance_is_never_zero() -> None:
    assert cells(html_table({"p_value": [0.0, 0.0004, 0.0123, 1.0, None]})) == [
        "&lt; 0.001", "&lt; 0.001", "0.012", "1.000", "–",
    ]  # fmt: skip


def test_columns_are_explained_by_the_headings_that_the_table_shows() -> None:
    meant = meanings_by_heading(
        {"n": "students"},
        {"n": "who was tested", "std_error": "of the gap", "conf_low": "lower limit", "conf_high": "upper limit"},
    )
    assert meant == {
        "students": "who was tested",
        "standard error": "of the gap",
        "95 % interval": "lower limit; upper limit",
    }
    assert meanings_by_heading({}, {"low": "the lowest rank"}) == {"low": "the lowest rank"}
