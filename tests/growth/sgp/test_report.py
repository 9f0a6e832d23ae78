"""What schools and groups make of growth percentiles: by hand, and on the district that comes with the project."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.growth import percentiles
from workbench.growth.sgp import figures as percentile_figures
from workbench.growth.sgp import report as percentile_report


def test_the_interval_of_a_mean_and_a_median() -> None:
    """Of 1 … 10: mean 5.5 ± 2.262 · 3.0277 / √10; the median between the 2nd and the 9th (binomial tails of 1.1 %)."""
    n, mean, low, high, median, median_low, median_high = percentile_report.interval(
        pd.DataFrame({"percentile": range(1, 11)})
    )
    assert (n, mean, median, median_low, median_high) == (10, 5.5, 5.5, 2, 9)
    assert (low, high) == pytest.approx((3.3342, 7.6658), abs=1e-4)


def test_the_median_s_interval_holds() -> None:
    """Of 2,000 samples of 31 from 1 … 99 at least 95 % hold the median 50."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        found = percentile_report.interval(pd.DataFrame({"percentile": rng.integers(1, 100, 31)}))
        held += found[5] <= 50 <= found[6]
    assert 0.945 <= held / 2000 <= 0.98


def test_cut_scores_are_given_or_a_share() -> None:
    tests = pd.DataFrame({"subject": "math", "grade_level": [3] * 5 + [4] * 5, "scale_score": range(10)})
    assert percentile_report.cut_scores(tests, {"math": []}, 0.5) == {("math", 3): 2.0, ("math", 4): 7.0}
    assert percentile_report.cut_scores(tests, {"math": [5, 6]}, 0.5) == {("math", 3): 5.0, ("math", 4): 6.0}
    both = pd.concat([tests, tests.assign(subject="reading")])
    found = percentile_report.cut_scores(both, {"math": [5, 6]}, 0.5)
    assert found == {("math", 3): 5, ("math", 4): 6, ("reading", 3): 2, ("reading", 4): 7}


def test_lean_is_a_slope_within_grades() -> None:
    """Grades differ in level: only what happens within them counts."""
    achievement = pd.Series([1.0, 2, 3, 101, 102, 103])
    cell = pd.Series(list("aaabbb"))
    assert percentile_report.lean(pd.Series([40.0, 50, 60, 40, 50, 60]), achievement, cell) == pytest.approx(10)


def test_schools_of_the_small_district_are_found() -> None:
    """In math of 2025 schools' mean percentiles go with what they and their teachers truly added."""
    data = wb.open_data("data/synthetic/small_district")
    tests = percentile_report.growth_tests(data)
    assert set(tests.scale_id) >= {"growth_math", "growth_reading"}
    math = tests[tests.subject == "math"]
    found = percentiles(math, standard_error="standard_error", years=[2025], most_priors=1)
    measures, schools = percentile_report.recovery(found, found.table.percentile, math)
    assert measures.iloc[0, 3] > 0.7
    assert measures.iloc[0, 1] > 3  # uncorrected, percentiles lean on true achievement
    rows = percentile_report.with_groups(found.table, tests, data)
    assert len(rows) == len(found.table)
    summary = percentile_report.summary(rows, ["school_id", "subject"])
    assert summary.n.sum() == len(rows)
    drawn = percentile_figures.intervals(summary, "school_id")
    assert f"of {len(summary)} intervals" in drawn.alt
    assert len(schools) > 5
