"""Gaps in cells: averages and slopes by hand, and intervals that know that students come again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ModelError
from workbench.growth import equal_weight_gap, gap_cells, v_statistic
from workbench.growth.gaps.measures import Gap


def panel(n: int = 400, years: int = 4, change: float = -0.1, seed: int = 1, again: bool = True) -> pd.DataFrame:
    """Students tested in grades 3 and 4; the gap is 0.8 in the first year and changes a year."""
    rng = np.random.default_rng(seed)
    student = np.repeat(np.arange(n), years)
    year, in_a = np.tile(np.arange(years), n), student % 2 == 0
    lasting = rng.normal(0, 0.9, n)[student] if again else rng.normal(0, 0.9, n * years)
    score = lasting + rng.normal(0, np.sqrt(0.19), n * years) + in_a * (0.8 + change * year)
    grade = 3 + (student // 2) % 2
    return pd.DataFrame({"student_id": student if again else np.arange(n * years), "school_year": 2020 + year,
                         "grade_level": grade, "in_a": in_a, "score": score, "error": 0.3})  # fmt: skip


def test_averages_and_slope_by_hand() -> None:
    cells = gap_cells(panel(), ["school_year", "grade_level"], equal_weight_gap)
    gaps = cells.table.pivot(index="school_year", columns="grade_level", values="gap")
    np.testing.assert_allclose(cells.averages("school_year").gap, gaps.mean(axis=1))
    np.testing.assert_allclose(cells.averages("grade_level").gap, gaps.mean(axis=0))
    by_grade = [np.polyfit(gaps.index, gaps[grade], 1)[0] for grade in gaps]
    slope = cells.slope("school_year", "grade_level")
    assert slope.estimate == pytest.approx(np.mean(by_grade))


def test_people_are_counted_once() -> None:
    cells = gap_cells(panel(), ["school_year", "grade_level"])
    assert cells.averages("grade_level").n_a.tolist() == [100, 100]
    assert cells.averages("school_year").n_b.tolist() == [200] * 4
    assert cells.slope("school_year", "grade_level").n_a == 200


def test_a_change_among_the_same_students_is_surer_than_among_others() -> None:
    def slope(seed: int, again: bool) -> Gap:
        return gap_cells(panel(seed=seed, again=again), ["school_year", "grade_level"]).slope(
            "school_year", "grade_level"
        )

    slopes = {again: [slope(seed, again) for seed in range(60)] for again in (True, False)}
    for again, found in slopes.items():
        spread = np.std([each.estimate for each in found])
        assert np.mean([each.std_error for each in found]) == pytest.approx(spread, rel=0.25), again
        inside = [each.conf_low <= -0.1 <= each.conf_high for each in found]
        assert np.mean(inside) > 0.85
    assert slopes[False][0].std_error > 1.6 * slopes[True][0].std_error


def test_one_cell_is_the_measure_itself() -> None:
    rows = panel(years=1)
    cells = gap_cells(rows, ["school_year"])
    alone = v_statistic(rows.score, rows.in_a)
    assert cells.table.gap[0] == pytest.approx(alone.estimate)
    assert cells.covariance[0, 0] == pytest.approx(alone.std_error**2)


def test_small_cells_are_left_out_and_counted() -> None:
    rows = panel()
    few = rows[(rows.grade_level == 3) | (rows.student_id < 30)]
    cells = gap_cells(few, ["school_year", "grade_level"])
    assert cells.left_out == 4
    assert set(cells.table.grade_level) == {3}
    with pytest.raises(ModelError, match="10 students of each group"):
        gap_cells(rows[rows.student_id < 10], ["school_year", "grade_level"])


def test_a_slope_needs_two_cells_to_compare() -> None:
    cells = gap_cells(panel(years=1), ["school_year", "grade_level"])
    with pytest.raises(ModelError, match="No two cells have the same grade_level"):
        cells.slope("school_year", "grade_level")
