"""Measures equal scikit-learn's, intervals SciPy's, bands are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from workbench.dropout import metrics


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_scikit_learn_s_with_ties_and_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 300
    score = np.round(rng.random(n), 1 if seed % 2 else 3)
    outcome = (rng.random(n) < 0.2 + 0.3 * score).astype(np.int64)
    weights = np.stack([np.ones(n), rng.integers(0, 4, n)]).astype(float)
    found = metrics.measured(outcome, score, weights)
    for k, w in enumerate(weights):
        assert found.auc[k] == pytest.approx(roc_auc_score(outcome, score, sample_weight=w), abs=1e-12)
        wanted = average_precision_score(outcome, score, sample_weight=w)
        assert found.average_precision[k] == pytest.approx(wanted, abs=1e-12)
        assert found.brier[k] == pytest.approx(brier_score_loss(outcome, score, sample_weight=w), abs=1e-12)


def test_auc_counts_pairs() -> None:
    assert metrics.auc(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 3.0])) == (1 + 0 + 1 + 0.5) / 4


def test_a_yes_or_no_has_no_brier_score() -> None:
    """It is no probability: the score would be the share of errors, beside which every risk looks good."""
    outcome = np.array([0, 1, 1, 0])
    assert np.isnan(metrics.measured(outcome, np.array([0.0, 1.0, 0.0, 0.0]), np.ones((1, 4))).brier[0])


def test_a_count_of_flags_has_no_brier_score() -> None:
    outcome = np.array([0, 1, 0, 1])
    assert np.isnan(metrics.measured(outcome, np.array([0.0, 3.0, 1.0, 2.0]), np.ones((1, 4))).brier[0])


def test_one_class_alone_has_no_auc() -> None:
    found = metrics.measured(np.zeros(4, np.int64), np.arange(4) / 4, np.ones((1, 4)))
    assert np.isnan(found.auc[0])
    assert found.brier[0] == pytest.approx((0 + 1 + 4 + 9) / 16 / 4)


def test_bootstrap_limits_hold_the_true_auc_as_often_as_they_say() -> None:
    """Two normals one SD apart: the true AUC is Φ(1/√2) = 0.760. Of 120 samples 95 % hold it, ± 3 SE."""
    truth, held = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        outcome = (np.arange(150) < 40).astype(np.int64)
        score = rng.normal(size=150) + outcome
        table = metrics.quality(outcome, {"m": score}, "m", seed, np.arange(150).astype(str).astype(object))
        held += table.auc_low[0] <= truth <= table.auc_high[0]
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 120) <= held / 120 <= 1


def test_a_student_s_rows_are_drawn_together() -> None:
    students = np.repeat(np.arange(30), 3).astype(str).astype(object)
    weights = metrics.resampled(students, 0)
    assert (weights[0] == 1).all()
    assert (weights[:, ::3] == weights[:, 1::3]).all()
    assert (weights.sum(axis=1) == 90).all()


def test_a_paired_comparison_of_a_model_with_itself_is_nil() -> None:
    rng = np.random.default_rng(0)
    outcome = (rng.random(200) < 0.3).astype(np.int64)
    score = rng.random(200)
    twice = {"one": score, "same": score}
    table = metrics.quality(outcome, twice, "one", 0, np.arange(200).astype(str).astype(object)).set_index("model")
    assert (table.loc["same", ["auc_above", "auc_above_low", "auc_above_high"]] == 0).all()


def test_bands_are_counted_by_hand() -> None:
    """Twenty risks 0.00 … 0.95: bands of 10, 5, 3, 1 and 1; the three highest left."""
    risk = np.arange(20) / 20
    outcome = (risk >= 0.85).astype(np.int64)
    table = metrics.calibration(outcome, risk)
    assert list(table.n) == [10, 5, 3, 1, 1]
    assert list(table.mean_risk) == pytest.approx([0.225, 0.60, 0.80, 0.90, 0.95])
    assert list(table.share_left) == pytest.approx([0, 0, 1 / 3, 1, 1])
