"""CR2 and its degrees of freedom: held against matrices written out, statsmodels, and Welch's t by hand."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.errors import ModelError
from workbench.interventions.effect.robust import contrast, least_squares


def brute_force(x: np.ndarray, y: np.ndarray, clusters: np.ndarray, c: np.ndarray) -> tuple[float, float]:
    """Bell & McCaffrey's definitions with n × n matrices: standard error and degrees of freedom."""
    bread = np.linalg.inv(x.T @ x)
    rest = np.eye(len(y)) - x @ bread @ x.T
    variance, columns = 0.0, []
    for g in np.unique(clusters):
        inside = clusters == g
        values, vectors = np.linalg.eigh(rest[np.ix_(inside, inside)])
        u = vectors @ np.diag(values**-0.5) @ vectors.T @ x[inside] @ bread @ c
        variance += float(u @ (rest @ y)[inside]) ** 2
        columns.append(rest[:, inside] @ u)
    omega = np.array(columns) @ np.array(columns).T
    return variance**0.5, float(np.trace(omega) ** 2 / (omega**2).sum())


def test_cr2_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    clusters = rng.integers(0, 9, 80)
    x = np.column_stack([np.ones(80), clusters < 4, rng.normal(size=80)])
    y = rng.normal(size=80) + rng.normal(size=9)[clusters]
    found = contrast(least_squares(x, y, clusters), [0, 1, 0])
    assert (found.std_error, found.df) == pytest.approx(brute_force(x, y, clusters, np.array([0, 1, 0])))


def test_each_row_its_own_cluster_is_hc2() -> None:
    rng = np.random.default_rng(2)
    x = sm.add_constant(rng.normal(size=(50, 2)))
    y = rng.normal(size=50) * (1 + x[:, 1] ** 2)
    found = contrast(least_squares(x, y), [0, 1, 0])
    assert found.std_error == pytest.approx(sm.OLS(y, x).fit(cov_type="HC2").bse[1])
    assert (found.std_error, found.df) == pytest.approx(brute_force(x, y, np.arange(50), np.array([0, 1, 0])))


def test_two_means_give_welchs_error_by_hand() -> None:
    # 1, 3 (variance 2) and 2, 4, 9 (variance 13): difference 3, error √(2/2 + 13/3). With equal true variances
    # E = 1/2 + 1/3 and Var ∝ 2 (1/2)²/1 + 2 (1/3)²/2, so df = (5/6)² / (1/4 + 1/18) = 25/11.
    x = np.column_stack([np.ones(5), [0, 0, 1, 1, 1]])
    found = contrast(least_squares(x, [1, 3, 2, 4, 9]), [0, 1])
    assert (found.estimate, found.std_error, found.df) == pytest.approx((3, (1 + 13 / 3) ** 0.5, 25 / 11))


def test_weights_act_as_repeated_scaling_of_rows() -> None:
    # A weighted mean of 0 and 3 with weights 1 and 2 is 2.
    found = contrast(least_squares([[1.0], [1.0]], [0.0, 3.0], weights=[1.0, 2.0]), [1])
    assert found.estimate == pytest.approx(2)


def test_what_tells_no_error_is_refused() -> None:
    with pytest.raises(ModelError, match="not independent"):
        least_squares([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], [1, 2, 3])
    with pytest.raises(ModelError, match="Nothing tells the error"):
        contrast(least_squares([[1.0, 0.0], [0.0, 1.0]], [1, 2]), [1, 0])
