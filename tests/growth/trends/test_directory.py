"""Schools and their districts."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.growth import with_districts

SCHOOLS = pd.DataFrame({"school_id": ["A", "B", "C"], "district_id": ["D1", "D1", "D2"]})


def rows(indicator: str, cells: list[tuple[str, int, float, float, float]]) -> pd.DataFrame:
    """One year of an indicator: school, n, value, low, high."""
    table = pd.DataFrame(cells, columns=["school_id", "n", "value", "low", "high"])
    return table.assign(indicator=indicator, school_year=2025, grade="all", group_kind="all", group="all")


def test_a_district_counts_the_students_of_its_schools() -> None:
    """20 of 100 and 60 of 100 are 80 of 200: Wilson's limits are 0.335 and 0.469."""
    given = rows("chronic_absence", [("all", 250, 0.4, 0.34, 0.46), ("A", 100, 0.2, 0.13, 0.29),
                                     ("B", 100, 0.6, 0.5, 0.69), ("C", 50, 0.4, 0.28, 0.54)])  # fmt: skip
    found = with_districts(given, SCHOOLS)
    assert found.district_id.tolist() == ["all", "D1", "D1", "D2", "D1", "D2"]
    district = found[(found.school_id == "all") & (found.district_id == "D1")].iloc[0]
    assert (district.n, district.value) == (200, pytest.approx(0.4))
    assert (district.low, district.high) == (pytest.approx(0.3346, abs=1e-4), pytest.approx(0.4691, abs=1e-4))


def test_the_limits_of_a_mean_come_from_the_spread_in_the_schools_and_between_them() -> None:
    """Credits 4, 5, 6, 5, 5 and 6, 7, 8, 7, 7: mean 6, sum of squares about it 14, SD 1.2472, t with 9 df 2.2622."""
    half = 2.7764 * 0.7071 / 5**0.5
    given = rows("credits_earned", [("A", 5, 5, 5 - half, 5 + half), ("B", 5, 7, 7 - half, 7 + half),
                                    ("C", 5, 5, 5 - half, 5 + half)])  # fmt: skip
    district = with_districts(given, SCHOOLS).query("school_id == 'all' and district_id == 'D1'").iloc[0]
    assert (district.n, district.value) == (10, pytest.approx(6))
    assert district.high - 6 == pytest.approx(2.2622 * 1.2472 / 10**0.5, abs=1e-3)


def test_one_district_needs_no_rows_of_its_own() -> None:
    given = rows("chronic_absence", [("all", 200, 0.4, 0.33, 0.47), ("A", 200, 0.4, 0.33, 0.47)])
    found = with_districts(given, SCHOOLS.assign(district_id="D1"))
    assert found.district_id.tolist() == ["D1", "D1"]
