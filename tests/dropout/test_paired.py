"""The paired test of two AUCs: by hand, beside a plain double loop, and on scores that are alike."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.dropout.metrics import auc
from workbench.dropout.paired import auc_interval, delong
from workbench.errors import BadInput


def plainly(outcome: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Difference of the AUCs and its standard error, as DeLong et al. (1988) wrote them."""

    def placements(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = score[outcome == 1], score[outcome == 0]
        psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        return psi.mean(axis=1), psi.mean(axis=0)

    (a10, a01), (b10, b01) = placements(one), placements(other)
    contrast = np.array([1, -1])
    s = np.cov(a10, b10) / len(a10) + np.cov(a01, b01) / len(a01)
    return a10.mean() - b10.mean(), float(np.sqrt(contrast @ s @ contrast))


def made(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    outcome = (rng.random(n) < 0.4).astype(int)
    return outcome, np.round(outcome + rng.normal(size=n), 1), np.round(0.3 * outcome + rng.normal(size=n))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_delongs_test(seed: int) -> None:
    outcome, one, other = made(seed)
    found = delong(outcome, one, other)
    difference, error = plainly(outcome, one, other)
    assert (found.difference, found.standard_error) == pytest.approx((difference, error))
    assert (found.auc, found.other) == pytest.approx((auc(outcome, one), auc(outcome, other)))


def test_a_row_that_stands_twice_adds_no_evidence() -> None:
    outcome, one, other = (np.tile(values, 2) for values in made(1, 400))
    students = np.tile(np.arange(400), 2)
    once = delong(*made(1, 400))
    assert delong(outcome, one, other, students).standard_error == pytest.approx(once.standard_error, rel=0.01)
    assert delong(outcome, one, other).standard_error == pytest.approx(once.standard_error / np.sqrt(2), rel=0.01)


def test_scores_that_order_alike_are_not_told_apart() -> None:
    outcome, one, _ = made(2)
    found = delong(outcome, one, np.exp(one))
    assert (found.difference, found.p) == (0, 1)


def test_intervals_hold_in_95_of_100_samples() -> None:
    """Normal scores one SD apart: AUC 0.7602."""
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        outcome = np.repeat([0, 1], [80, 40])
        _, low, high = auc_interval(outcome, outcome + rng.normal(size=120))
        held += low <= 0.7602 <= high
    assert 370 <= held <= 392


def test_one_case_is_too_few() -> None:
    with pytest.raises(BadInput, match="at least two"):
        delong(np.array([1, 0, 0]), np.arange(3.0), np.arange(3.0))
