"""Intervals keep their promise, and are narrower than constant ones where students differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import features, forecast, synthetic
from workbench.errors import BadInput
from workbench.store import Data, open_data

AS_OF = "2024-01-31"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    path = tmp_path_factory.mktemp("gpa") / "data"
    return open_data(synthetic.write(path, students=3_000, years=6, seed=6, low_grade=9, events_per_term=0.5))


@pytest.fixture(scope="module")
def rows(data: Data) -> pd.DataFrame:
    return forecast.gpa_rows(data, AS_OF, seed=1)


@pytest.fixture(scope="module")
def found(rows: pd.DataFrame) -> forecast.GpaForecast:
    return forecast.forecast_gpa(rows, seed=1)


def test_the_next_term_is_the_one_after_the_day(data: Data, rows: pd.DataFrame) -> None:
    assert not rows.student_id.duplicated().any()
    one = rows[rows.as_of == AS_OF].iloc[0]
    grades = data.course_results.filter(data.course_results.student_id == one.student_id).to_pandas()
    spring = grades[(grades.school_year == 2024) & (grades.term == "spring")]
    wanted = np.average(spring.grade_points, weights=spring.credits_attempted)
    assert one.next_term_gpa == pytest.approx(wanted)


def test_intervals_cover_nine_in_ten(found: forecast.GpaForecast) -> None:
    n = found.counts[2]
    assert min(found.counts) >= 600
    assert abs(found.coverage - 0.9) < 3 * np.sqrt(0.9 * 0.1 * (1 / n + 1 / found.counts[1]))
    assert abs(found.baseline_coverage - 0.9) < 3 * np.sqrt(0.9 * 0.1 * (1 / n + 1 / found.counts[1]))


def test_limits_stay_on_the_scale_and_in_order(found: forecast.GpaForecast) -> None:
    assert found.rows.low.min() >= 0
    assert found.rows.high.max() <= 4
    assert (found.rows.low <= found.rows.high).all()


def test_a_forecast_beats_the_mean(found: forecast.GpaForecast) -> None:
    outcome = found.rows.next_term_gpa
    assert found.mean_error < 0.9 * (outcome - outcome.mean()).abs().mean()


def test_by_group_counts_every_student_once(found: forecast.GpaForecast) -> None:
    table = found.by_group(("sex",))
    assert table.n.sum() == found.counts[2]
    assert (table.coverage * table.n).sum() / table.n.sum() == pytest.approx(found.coverage)
    assert (table.width * table.n).sum() / table.n.sum() == pytest.approx(found.width)


def test_forward_in_time_learns_from_earlier_years(data: Data) -> None:
    both = forecast.next_term(data, AS_OF, seed=1)
    assert both is not None
    assert both.forward is not None
    assert set(both.forward.rows.as_of) == {AS_OF}
    assert 0.82 < both.forward.coverage < 0.97


def test_intervals_adapt_to_students_who_vary_more() -> None:
    """Half of the students vary three times as much: their intervals are wider, and the mean is narrower."""
    rng = np.random.default_rng(2)
    n = 3000
    wild = rng.random(n) < 0.5
    rows = pd.DataFrame(0.0, index=range(n), columns=[*features.PREDICTORS])
    rows["gpa_last_term"], rows["grade_spread"] = rng.uniform(1.5, 2.5, n), wild.astype(float)
    noise = rng.normal(size=n) * np.where(wild, 0.45, 0.15)
    rows[forecast.TARGET] = (rows.gpa_last_term + noise).clip(0, 4)
    found = forecast.forecast_gpa(rows, seed=0)
    width = (found.rows.high - found.rows.low).groupby(found.rows.grade_spread).mean()
    assert width[1] > 2 * width[0]
    assert found.width < 0.97 * found.baseline_width
    inside = (
        found.rows[forecast.TARGET].between(found.rows.low, found.rows.high).groupby(found.rows.grade_spread).mean()
    )
    assert inside.min() > 0.85


def test_too_few_students_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="A grade forecast needs 60 students each to learn, calibrate and test"):
        forecast.forecast_gpa(rows.iloc[:120])


def test_a_day_before_the_data_is_refused(data: Data) -> None:
    with pytest.raises(BadInput, match="These data begin on 2019-09-01, and 2019-09-01 is no later"):
        forecast.gpa_rows(data, "2019-09-01")
