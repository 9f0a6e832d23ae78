"""Means and spreads from counts: against an independent library, exact cases, and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import check_grad

from workbench.errors import ModelError
from workbench.growth import hetop, v_from_counts
from workbench.growth.gaps.ordered_probit import _between, _model

CUTS = np.array([-0.9, 0.1, 1.0])


def expected(means: np.ndarray, sds: np.ndarray, n: float, cuts: np.ndarray = CUTS) -> np.ndarray:
    """Counts exactly as normal groups would have them."""
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    return n * np.diff(stats.norm.cdf((edges - means[:, None]) / sds[:, None]), axis=1)


def drawn(means: np.ndarray, sds: np.ndarray, n: np.ndarray, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shares = expected(means, sds, 1.0)
    return np.array([rng.multinomial(k, p) for k, p in zip(n, shares, strict=True)])


def test_counts_of_normal_groups_give_back_means_sds_and_cuts() -> None:
    means, sds = np.array([-0.6, 0.0, 0.3, 0.8]), np.array([0.8, 1.0, 1.2, 0.9])
    fit = hetop(expected(means, sds, 1000), own_sd_from=0)
    centre = means.mean()
    scale = np.sqrt(np.mean(sds**2 + (means - centre) ** 2))
    np.testing.assert_allclose(fit.groups["mean"], (means - centre) / scale, atol=1e-5)
    np.testing.assert_allclose(fit.groups["sd"], sds / scale, atol=1e-5)
    np.testing.assert_allclose(fit.cuts, (CUTS - centre) / scale, atol=1e-5)


def test_the_scale_is_that_of_all_students_together() -> None:
    n = np.array([40, 300, 80])
    fit = hetop(drawn(np.array([0, 0.5, -1]), np.array([1, 0.9, 1.1]), n), own_sd_from=0).groups
    assert np.average(fit["mean"], weights=fit.n) == pytest.approx(0, abs=1e-12)
    assert np.average(fit["sd"] ** 2 + fit["mean"] ** 2, weights=fit.n) == pytest.approx(1)


def test_gradient_is_the_derivative_of_the_log_likelihood() -> None:
    model = _model(drawn(np.array([0, 0.5, -1]), np.ones(3), np.array([90, 20, 60])).astype(float), 50)
    assert model.pooling.shape == (3, 2)
    at = np.array([0.1, 0.4, -0.7, 0.2, -0.1, -0.3])
    difference = check_grad(lambda p: model.loss(p)[0], lambda p: model.loss(p)[1], at)
    assert difference < 1e-4


def test_one_sd_for_all_is_the_ordered_probit_of_statsmodels() -> None:
    statsmodels = pytest.importorskip("statsmodels.miscmodels.ordinal_model")
    counts = drawn(np.array([0, 0.5, -0.4]), np.ones(3), np.array([400, 300, 500]))
    group = np.repeat(np.arange(3), counts.sum(axis=1))
    category = np.concatenate([np.repeat(np.arange(4), row) for row in counts])
    dummies = (group[:, None] == [1, 2]).astype(float)
    other = statsmodels.OrderedModel(category, dummies, distr="probit").fit(method="bfgs", disp=False, gtol=1e-8)
    fit = hetop(counts, own_sd_from=None)
    assert fit.log_likelihood == pytest.approx(other.llf, abs=1e-5)
    sd = fit.groups["sd"][0]
    np.testing.assert_allclose((fit.groups["mean"][1:] - fit.groups["mean"][0]) / sd, other.params[:2], atol=1e-4)
    contrast = np.array([-1, 1, 0])
    # The delta method from means and SD to the first difference in units of the SD, as statsmodels has it.
    d = other.params[0]
    slope = np.concatenate([contrast / sd, [-d / sd, 0, 0]])
    assert np.sqrt(slope @ fit.covariance @ slope) == pytest.approx(other.bse[0], rel=2e-3)


def test_standard_errors_are_the_spread_of_estimates() -> None:
    means, sds, n = np.array([-0.5, 0.1, 0.6]), np.array([0.9, 1.1, 1.0]), np.array([150, 200, 120])
    fits = [hetop(drawn(means, sds, n, seed), own_sd_from=0).groups for seed in range(300)]
    for name in ("mean", "sd"):
        spread = np.std([fit[name] for fit in fits], axis=0)
        told = np.mean([fit[f"{name}_se"] for fit in fits], axis=0)
        np.testing.assert_allclose(told, spread, rtol=0.15)


def test_two_groups_give_v() -> None:
    means, sds = np.array([0.5, -0.2]), np.array([1.3, 0.7])
    gap = v_from_counts(*expected(means, sds, 500))
    assert gap.estimate == pytest.approx(0.7 / np.sqrt((1.3**2 + 0.7**2) / 2), abs=1e-4)


def test_v_from_three_categories_has_a_closed_form() -> None:
    # With two cuts each group is fitted exactly: cuts at −m/s and (1 − m)/s of its normal score.
    a, b = np.array([20, 50, 30]), np.array([40, 45, 15])

    def mean_and_sd(row: np.ndarray) -> tuple[float, float]:
        low, high = stats.norm.ppf(np.cumsum(row)[:2] / row.sum())
        return -low / (high - low), 1 / (high - low)

    (mean_a, sd_a), (mean_b, sd_b) = mean_and_sd(a), mean_and_sd(b)
    by_hand = (mean_a - mean_b) / np.sqrt((sd_a**2 + sd_b**2) / 2)
    assert v_from_counts(a, b).estimate == pytest.approx(by_hand, abs=1e-6)


def test_groups_that_cannot_have_an_sd_share_one() -> None:
    counts = np.array([[30, 60, 40, 20], [50, 50, 40, 10], [4, 5, 3, 2], [0, 70, 30, 0], [0, 12, 0, 0]])
    fit = hetop(counts, ["large", "too", "small", "two cells", "one cell"]).groups.set_index("group")
    assert fit.own_sd.to_dict() == {"large": True, "too": True, "small": False, "two cells": False, "one cell": False}
    shared = np.exp((150 * np.log(fit.sd["large"]) + 150 * np.log(fit.sd["too"])) / 300)
    for name in ("small", "two cells", "one cell"):
        assert fit.sd[name] == pytest.approx(shared)
    assert np.isfinite(fit["mean"]).all()


def test_noise_in_small_groups_is_not_variance_between_them() -> None:
    rng = np.random.default_rng(3)
    counts = np.array([rng.multinomial(30, [0.25, 0.25, 0.25, 0.25]) for _ in range(200)])
    fit = hetop(counts, own_sd_from=None)
    assert fit.groups["mean"].var() > 0.02
    assert fit.between_share < 0.01
    assert fit.between_low == 0


def test_the_share_between_groups_has_an_interval_that_holds() -> None:
    """Thirty groups of 100 whose true means have SD 0.3: of 150 intervals about 95 % hold the true share."""
    rng = np.random.default_rng(4)
    means = rng.normal(0, 0.3, 30)
    true = means.var() / (1 + means.var())
    fits = [hetop(drawn(means, np.ones(30), np.full(30, 100), seed), own_sd_from=None) for seed in range(150)]
    assert np.mean([fit.between_low <= true <= fit.between_high for fit in fits]) > 0.9
    spread = np.std([fit.between_share for fit in fits])
    assert np.mean([fit.between_se for fit in fits]) == pytest.approx(spread, rel=0.15)


def test_the_share_between_groups_by_hand() -> None:
    """Two groups alike in size, means ±0.5 with variance 0.01: 0.25 − 0.01; 4·(0.5·0.5)²·0.01·2 − 2·2·0.005²."""
    told, error, low, high = _between(np.array([0.5, 0.5]), np.array([0.5, -0.5]), 0.01 * np.eye(2))
    assert told == pytest.approx(0.24)
    assert error == pytest.approx(np.sqrt(0.005 - 0.0001))
    assert (low, high) == pytest.approx((0.24 - 1.96 * 0.07, 0.24 + 1.96 * 0.07), abs=1e-4)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([[5, 5], [3, 7]], "at least three categories; there are 2"),
        ([[5, 5, 5]], "two or more groups"),
        ([[5, 0, 5], [3, 0, 7]], "Nobody in any group is in category 2 of 3"),
        ([[5, 5, 5], [0, 0, 0]], "Group 1 has no students"),
        ([[5, 5, 5], [0, 0, 9]], "All 9 students of group 1 are in the highest"),
        ([[5, 5, 5], [9, 0, 0]], "All 9 students of group 1 are in the lowest"),
        ([[5, -1, 5], [9, 1, 1]], "none negative"),
        ([[9, 9, 9], [9, 9, 9]], "No group has students enough"),
    ],
)
def test_inadequate_counts_are_refused_by_name(counts: list, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        hetop(counts)


def test_v_is_refused_where_a_groups_spread_is_unknown() -> None:
    with pytest.raises(ModelError, match=r"Group b has students in only 2 of 3 categories, counts \[4, 8, 0\]"):
        v_from_counts([5, 5, 5], [4, 8, 0])


def test_shares_are_no_counts() -> None:
    with pytest.raises(ModelError, match="give counts"):
        v_from_counts([0.1, 0.2, 0.4, 0.3], [0.3, 0.4, 0.2, 0.1])
