"""The answer key and the data tell the same story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import synthetic
from workbench.errors import BadInput
from workbench.store import Data
from workbench.synthetic import Truth
from workbench.synthetic.answer_key import read_parameters
from workbench.synthetic.equations import curve


def key(data: Data, name: str) -> pd.DataFrame:
    return pd.read_parquet(data.path / "answer_key" / f"{name}.parquet")


def test_scores_are_true_scores_plus_error_of_the_stated_size(k12: Data) -> None:
    rows = k12.assessments.to_pandas()
    rows["test_date"] = pd.to_datetime(rows.test_date)
    true = key(k12, "scores").assign(test_date=lambda t: pd.to_datetime(t.test_date))
    rows = rows.merge(true, on=["student_id", "scale_id", "test_date"])
    rows = rows[rows.scale_id == "growth_math"]
    slope, level = np.polyfit(rows.true_score, rows.scale_score, 1)
    assert slope == pytest.approx(1, abs=0.002)
    standard = (rows.scale_score - rows.true_score) / rows.standard_error
    assert standard.std() == pytest.approx(1, abs=0.01)
    assert standard.mean() == pytest.approx(0, abs=0.01)
    assert level == pytest.approx(0, abs=0.5)


def test_growth_follows_the_curve_the_slopes_and_what_was_added(k12: Data) -> None:
    """True score = curve(grade) + 15 (θ + subject) + slope (grade − 5) + added, to the last digit."""
    truth = Truth()
    rows = k12.assessments.to_pandas().assign(test_date=lambda t: pd.to_datetime(t.test_date))
    true = key(k12, "scores").assign(test_date=lambda t: pd.to_datetime(t.test_date))
    rows = rows[rows.scale_id == "growth_reading"].merge(true, on=["student_id", "scale_id", "test_date"])
    rows = rows.merge(key(k12, "students"), on="student_id")
    expected = curve(truth, 1, rows.grade_level) + truth.score_sd * (rows.standing + rows.reading_deviation)
    expected += rows.growth_slope * (rows.grade_level - 5) + rows.value_added
    assert np.abs(rows.true_score - expected).max() < 1e-9


def test_hazards_add_up_to_the_dropouts(k12: Data) -> None:
    hazard = key(k12, "terms").dropout_hazard
    dropped = (k12.outcomes.status == "dropped_out").sum().execute()
    sd = np.sqrt((hazard * (1 - hazard)).sum())
    assert abs(dropped - hazard.sum()) < 3.5 * sd


def test_hazards_are_calibrated_from_low_to_high(k12: Data) -> None:
    terms = key(k12, "terms")
    ends = k12.outcomes.filter(k12.outcomes.status == "dropped_out").to_pandas()
    ends["term"] = np.where(pd.to_datetime(ends.outcome_date).dt.month.between(2, 8), "spring", "fall")
    terms = terms.merge(ends[["student_id", "school_year", "term"]], how="left", indicator="dropped")
    terms = terms[terms.high_school_year.between(1, 4)]
    terms["dropped"] = terms.dropped.eq("both")
    for _, band in terms.groupby(pd.qcut(terms.dropout_hazard, [0, 0.5, 0.8, 0.95, 1])):
        sd = np.sqrt((band.dropout_hazard * (1 - band.dropout_hazard)).sum())
        assert abs(band.dropped.sum() - band.dropout_hazard.sum()) < 3.5 * sd


def test_a_naive_comparison_blames_the_support_and_an_honest_one_does_not(study: Any, tmp_path: Path) -> None:
    """A short form of the study `support_effect`: the true effect is −0.5 on the log odds of a term."""
    support = study("support_effect")
    path = synthetic.write(
        tmp_path / "data", students=30_000, years=8, seed=9, low_grade=9, districts=1, events_per_term=0
    )
    found = support.compared(path)
    assert found["crude ratio"] > 1.1
    assert found["naive"] > 2 * found["naive SE"]
    assert found["adjusted"] < -3 * found["adjusted SE"]
    assert abs(found["full"] - Truth().hazard_support) < 2.5 * found["full SE"]


def test_shape_and_truth_are_read_back(high: Data) -> None:
    shape, truth = read_parameters(high.path)
    assert (shape.students, shape.seed, shape.low_grade, shape.districts) == (6_000, 5, 9, 2)
    assert truth == Truth()


def test_real_data_have_no_answer_key(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no answer key: only synthetic data have one"):
        read_parameters(tmp_path)
