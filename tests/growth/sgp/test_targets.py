"""Growth to standard: the paths are those of a world where the answer can be worked out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth import GrowthPercentiles, percentile_targets, percentiles
from workbench.growth.sgp import figures

GAIN, SPREAD = 10.0, 6.0


@pytest.fixture(scope="module")
def found() -> GrowthPercentiles:
    """Grades 3 to 5, 2,000 students each year; everybody gains 10 points a year, with a standard deviation of 6."""
    rng = np.random.default_rng(1)
    parts = []
    for start in (2022, 2023, 2024):
        score = rng.normal(200, 15, 2000)
        for k in range(3):
            score = score + (GAIN + rng.normal(0, SPREAD, 2000) if k else 0)
            names = [f"{start}-{i}" for i in range(2000)]
            parts.append(pd.DataFrame({"student_id": names, "school_year": start + k, "grade_level": 3 + k,
                                       "subject": "math", "scale_score": score}))  # fmt: skip
    scores = pd.concat(parts)
    return percentiles(scores[scores.school_year <= 2024], most_priors=1, years=[2024])


def test_the_target_of_the_next_year(found: GrowthPercentiles) -> None:
    """A student d points below the cut less the usual gain needs percentile 100 · Φ(d / 6)."""
    targets = percentile_targets(found, {("math", 4): 215.0}, 1)
    scores = found.panel.scores.query("year == 2024 and grade == 3").set_index("student").score
    student = targets.set_index("student_id")
    middle = scores[scores.between(190, 220)]
    expected = 100 * norm.cdf((215 - middle - GAIN) / SPREAD)
    assert len(targets) == 2000
    assert np.abs(student.target[middle.index] - expected).mean() < 2
    assert np.abs(student.median_path[middle.index] - middle - GAIN).mean() < 1


def test_two_years_add_up(found: GrowthPercentiles) -> None:
    """At percentile p twice the score rises by 20 + 12 · Φ⁻¹(p): less is needed each year than for one year's step."""
    targets = percentile_targets(found, {("math", 5): 230.0}, 2)
    scores = found.panel.scores.query("year == 2024 and grade == 3").set_index("student").score
    middle = scores[scores.between(190, 220)]
    expected = 100 * norm.cdf((230 - middle - 2 * GAIN) / (2 * SPREAD))
    two = targets[targets.years_ahead == 2].set_index("student_id")
    assert np.abs(two.target[middle.index] - expected).mean() < 3


def test_out_of_reach_is_100_and_safe_is_1(found: GrowthPercentiles) -> None:
    assert (percentile_targets(found, {("math", 4): 900.0}, 1).target == 100).all()
    assert (percentile_targets(found, {("math", 4): 0.0}, 1).target == 1).all()


def test_a_higher_cut_never_needs_less(found: GrowthPercentiles) -> None:
    low, high = (percentile_targets(found, {("math", 4): cut}, 1).target.to_numpy() for cut in (205.0, 212.0))
    assert (high >= low).all()


def test_who_meets_the_target_reaches_the_cut(found: GrowthPercentiles) -> None:
    """Of the year before: a percentile above the target goes with a score at the cut or above, by definition."""
    cuts = {("math", 4): 212.0}
    table = found.table[found.table.grade_level == 4].set_index("student_id")
    targets = percentile_targets(found, cuts, 1, year=2023).set_index("student_id")
    joined = table.join(targets[["target"]], how="inner")
    joined = joined[joined.target.between(2, 98)]
    clear = joined[(joined.percentile - joined.target).abs() > 1]
    assert len(clear) > 1000
    assert ((clear.percentile > clear.target) == (clear.scale_score >= 212)).all()


def test_what_cannot_be_told_is_named(found: GrowthPercentiles) -> None:
    with pytest.raises(ModelError, match="Nobody can be carried forward"):
        percentile_targets(found, {("math", 9): 200.0})
    with pytest.raises(BadInput, match="not a number"):
        percentile_targets(found, {("math", 4): float("nan")})
    with pytest.raises(BadParameter, match="years_ahead"):
        percentile_targets(found, {("math", 4): 200.0}, 0)


def test_a_bar_too_narrow_for_its_number_has_none() -> None:
    """Of 50 students, one needs a percentile up to 34: 2 % is in the table, and not printed over the axis."""
    drawn = figures.targets(pd.DataFrame({"target": [10, *[50] * 29, *[100] * 20], "years_ahead": 1}))
    assert [text.get_text() for text in drawn.figure.axes[0].texts if text.get_text()] == ["58 %", "40 %"]
    assert drawn.table["1–34"].tolist() == [2.0]
