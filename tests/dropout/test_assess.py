"""Fitting, judging and explaining, on one synthetic district."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import dropout
from workbench.dropout import Assessment, Study, explain, models, told
from workbench.dropout.assess import ABSENT, ATTAINABLE, LOGISTIC, ORACLE, RULE, TREES
from workbench.dropout.models import abc_rule


def test_every_model_is_judged_on_the_same_students(assessment: Assessment) -> None:
    assert list(assessment.quality.model) == [TREES, LOGISTIC, RULE, ABSENT, ATTAINABLE, ORACLE]
    assert set(assessment.quality.n) == {len(assessment.study.judged)}
    assert {len(s) for s in assessment.scores.values()} == {len(assessment.study.judged)}


def test_the_same_seed_gives_the_same_numbers(study: Study, assessment: Assessment) -> None:
    again = dropout.assess(study, seed=1)
    pd.testing.assert_frame_equal(again.quality, assessment.quality)
    np.testing.assert_array_equal(again.risk, assessment.risk)


@pytest.mark.filterwarnings("ignore:.*GPU:UserWarning")
def test_a_graphics_processor_that_does_not_answer_is_not_needed(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "ROUNDS", (20,))
    plain = models.fit_trees(study, study.train, 1)(study.judged)
    monkeypatch.setattr(models, "has_gpu", lambda: True)
    assert models.fit_trees(study, study.train, 1)(study.judged) == pytest.approx(plain, abs=1e-6)


def test_models_rank_between_the_rule_and_the_ceilings(assessment: Assessment) -> None:
    assert 0.65 < assessment.result("auc") < assessment.result("auc", ORACLE) + 0.02
    assert assessment.result("auc", LOGISTIC) > 0.65
    assert 0.5 < assessment.result("auc", RULE) < 0.85


def test_risks_are_probabilities_that_add_up(assessment: Assessment) -> None:
    expected = assessment.risk.sum()
    sd = np.sqrt((assessment.risk * (1 - assessment.risk)).sum())
    assert abs(expected - assessment.outcome.sum()) < 4 * sd
    assert assessment.risk.min() > 0


def test_the_rule_counts_three_flags() -> None:
    rows = pd.DataFrame(
        {
            "attendance_year": [0.95, 0.8999, 0.90, np.nan, 0.5],
            "days_removed_year": [0, 0, 2, np.nan, 1],
            "courses_failed_last_term": [0, 0, 0, np.nan, 3],
        }
    )
    assert list(abc_rule(rows)) == [0, 1, 1, 0, 3]


def test_shapley_values_add_up_to_the_model_s_log_odds(assessment: Assessment) -> None:
    found = explain(assessment)
    study = assessment.study
    margin = assessment.model.margin(study.judged)
    assert np.abs(found.base + found.values.sum(axis=1) - margin).max() < 1e-3
    assert found.values.shape == (len(study.judged), len(study.predictors))


def test_reasons_are_the_largest_effects_in_words(assessment: Assessment) -> None:
    found = explain(assessment)
    row = dropout.example_student(assessment)
    assert (assessment.risk > assessment.risk[row]).mean() == pytest.approx(0.02, abs=0.003)
    reasons = found.reasons(row, most=4)
    assert len(reasons) == 4
    assert reasons.effect.abs().is_monotonic_decreasing
    assert list(reasons.direction) == ["raises the risk" if e > 0 else "lowers the risk" for e in reasons.effect]


def test_a_risk_is_told_as_a_share_of_a_hundred_and_for_support_only(assessment: Assessment) -> None:
    highest = int(np.argmax(assessment.risk))
    words = told(assessment, highest)
    band = assessment.calibration.iloc[-1]
    assert words.startswith("Of 100 students with a score")
    assert f"about {100 * band.share_left:.0f} left" in words
    assert f"(95 % interval {100 * band.share_left_low:.0f} to {100 * band.share_left_high:.0f})" in words
    assert words.endswith("Use only to offer support, never to deny, place or discipline.")


def test_trees_only_bend_risks_in_the_expected_direction(assessment: Assessment) -> None:
    """With everything else equal, what the trees add never falls as attendance gets worse."""
    rows = assessment.study.judged.iloc[:50].copy()
    model = assessment.model

    def added(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        return model.margin(frame) - model.start.log_odds(frame)

    better, worse = added(rows.assign(attendance_year=1.0)), added(rows.assign(attendance_year=0.6))
    assert (worse >= better - 1e-5).all()


def test_the_summary_counts_students_and_leavers(study: Study) -> None:
    table = study.summary.set_index("part")
    assert table.loc["test", "rows"] == table.loc["test", "students"]
    assert table.loc["training", "students"] == study.train.student_id.nunique()
    assert table.loc["training", "left"] == study.train.outcome.sum()
