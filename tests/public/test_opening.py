"""What a page shows first: few rows, never none."""

from __future__ import annotations

from itertools import product

from workbench.public import opening
from workbench.public.opening import ALL, EACH

SCHOOLS = [ALL, *(f"S{n}" for n in range(1, 31))]


def keys(*lists: list[str], names: tuple[str, ...]) -> dict[str, list[str]]:
    return {name: list(values) for name, values in zip(names, zip(*product(*lists), strict=True), strict=True)}


def chosen(table: dict[str, list[str]]) -> dict[str, str]:
    return {one.key: one.chosen for one in opening.filters(table)}


def test_a_small_table_opens_whole() -> None:
    table = keys(["2024", "2025"], ["a", "b"], names=("school_year", "group"))
    assert chosen(table) == {"school_year": "", "group": ""}
    assert opening.shown(table, opening.filters(table)) == [True] * 4


def test_a_large_table_opens_with_each_school_of_the_latest_year_and_all_grades() -> None:
    table = keys(["2024", "2025"], SCHOOLS, [ALL, "9", "10"], names=("school_year", "school_id", "grade"))
    choices = opening.filters(table)
    assert chosen(table) == {"school_year": "2025", "school_id": EACH, "grade": ALL}
    assert sum(opening.shown(table, choices)) == 30


def test_a_choice_that_would_leave_nothing_is_not_made() -> None:
    # Every row of the latest year is a total, so each single school cannot be chosen.
    table = keys(["2024"], SCHOOLS[1:], [str(n) for n in range(3)], names=("year", "school_id", "grade"))
    table = {name: [*values, last] for (name, values), last in zip(table.items(), ("2025", ALL, "0"), strict=True)}
    assert sum(opening.shown(table, opening.filters(table))) == 1
    assert chosen(table)["school_id"] == ""


def test_names_label_the_filter_of_their_identifiers_and_are_told_apart() -> None:
    table = {"school_id": ["S1", "S2", "S3"], "school_name": ["Bay", "Bay", "Ash"]}
    (only,) = opening.filters(table)
    assert only.values == ("S3", "S1", "S2")
    assert only.labels == ("Ash", "Bay (S1)", "Bay (S2)")


def test_totals_come_first_and_numbers_in_their_order() -> None:
    (grades,) = opening.filters({"grade": ["10", "9", ALL]})
    assert grades.values == (ALL, "9", "10")


def test_a_key_of_one_value_has_no_filter() -> None:
    assert opening.filters({"subject": ["math", "math"]}) == ()
