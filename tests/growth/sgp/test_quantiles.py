"""Quantile regressions are the optima of their linear programmes: by hand, by HiGHS, by duality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from workbench.errors import BadInput, ModelError
from workbench.growth.sgp.quantiles import fit_quantiles

TAUS = (np.arange(100) + 0.5) / 100


def loss(design: np.ndarray, outcome: np.ndarray, coefficients: np.ndarray, tau: float) -> float:
    left = outcome - design @ coefficients
    return float((left * (tau - (left < 0))).sum())


def smallest_loss(design: np.ndarray, outcome: np.ndarray, tau: float) -> float:
    """The optimum by HiGHS, from the primal programme as Koenker (2005, equation 6.2) writes it."""
    n, p = design.shape
    cost = np.r_[np.zeros(p), np.full(n, tau), np.full(n, 1 - tau)]
    equations = np.hstack([design, np.eye(n), -np.eye(n)])
    return float(linprog(cost, A_eq=equations, b_eq=outcome, bounds=[(None, None)] * p + [(0, None)] * 2 * n).fun)


def test_without_predictors_it_is_the_order_statistic() -> None:
    """Of 7, 1, 5, 3 the quantile at 0.3 is the second smallest, at 0.6 the third."""
    fits = fit_quantiles(np.ones((4, 1)), np.array([7.0, 1, 5, 3]), np.array([0.3, 0.6]))
    assert fits.coefficients.tolist() == [[3.0, 5.0]]
    assert fits.loss == pytest.approx([0.3 * (2 + 4) + 0.7 * 2, 0.6 * 2 + 0.4 * (2 + 4)])


def test_engel_food_expenditure() -> None:
    """Koenker & Bassett (1982): the median line of the Engel data that statsmodels carries."""
    from statsmodels.datasets import engel

    data = engel.load_pandas().data
    design = np.column_stack([np.ones(len(data)), data.income])
    fits = fit_quantiles(design, data.foodexp.to_numpy(), np.array([0.5]))
    assert fits.coefficients[:, 0] == pytest.approx([81.4822474, 0.5601806], abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(12, 120), st.integers(1, 5), st.sampled_from([3, 20, 10**6]))
def test_it_is_as_good_as_highs(seed: int, n: int, p: int, values: int) -> None:
    """Also with whole-number scores and predictors, where most observations are tied."""
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), rng.integers(0, values, (n, p - 1)).astype(float)])
    if np.linalg.matrix_rank(design) < p:
        return
    outcome = rng.integers(0, values, n).astype(float)
    taus = np.array([0.005, 0.25, 0.5, 0.905])
    fits = fit_quantiles(design, outcome, taus)
    scale = np.abs(outcome).sum() + 1
    for k, tau in enumerate(taus):
        best = smallest_loss(design, outcome, tau)
        assert loss(design, outcome, fits.coefficients[:, k], tau) <= best + 1e-9 * scale


def test_the_gap_certifies_every_probability() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=3000)
    design = np.vander(x, 5)
    fits = fit_quantiles(design, np.round(50 + 10 * x + 8 * rng.normal(size=3000)), TAUS)
    assert fits.gap.max() < 1e-12
    below = (design @ fits.coefficients > np.round(50 + 10 * x)[:, None]).mean()
    assert 0.4 < below < 0.6


def test_a_weight_counts_equal_observations() -> None:
    rng = np.random.default_rng(4)
    design, outcome = np.column_stack([np.ones(40), rng.normal(size=40)]), rng.normal(size=40)
    times = rng.integers(1, 5, 40)
    weighted = fit_quantiles(design, outcome, TAUS, times.astype(float))
    repeated = fit_quantiles(np.repeat(design, times, axis=0), np.repeat(outcome, times), TAUS)
    assert np.array_equal(weighted.coefficients, repeated.coefficients)


def test_equivariance_to_scale_and_shift() -> None:
    """Koenker & Bassett (1978, theorem 3.2): β(τ, a·y + Xc) = a·β(τ, y) + c."""
    rng = np.random.default_rng(5)
    design = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    outcome, shift = rng.normal(size=200), np.array([4.0, -1.0, 2.0])
    one = fit_quantiles(design, outcome, TAUS).coefficients
    other = fit_quantiles(design, 3 * outcome + design @ shift, TAUS).coefficients
    assert np.allclose(other, 3 * one + shift[:, None], atol=1e-10)


def test_what_cannot_be_fitted_is_refused_by_name() -> None:
    design = np.column_stack([np.ones(9), np.arange(9.0)])
    with pytest.raises(BadInput, match="missing or infinite"):
        fit_quantiles(design, np.r_[np.inf, np.zeros(8)], TAUS)
    with pytest.raises(BadInput, match="not positive"):
        fit_quantiles(design, np.zeros(9), TAUS, np.zeros(9))
    with pytest.raises(ModelError, match="collinear"):
        fit_quantiles(np.column_stack([design, design[:, 1]]), np.arange(9.0), TAUS)
