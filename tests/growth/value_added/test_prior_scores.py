"""Prior scores without measurement error: bias of naive adjustment, and its absence after calibration."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ModelError
from workbench.growth.value_added.prior_scores import calibrated, surplus_by_unit


def made(groups: int, size: int, between: float, seed: int = 3) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), size)
    common = rng.normal(0, 10, len(group)) + rng.normal(0, between, groups)[group]
    true = common[:, None] + rng.normal(0, 4, (len(group), 2))
    errors = rng.uniform(3, 5, true.shape)
    return group, true, errors, true + errors * rng.standard_normal(true.shape)


def test_errors_in_variables_are_removed_within_groups() -> None:
    group, true, errors, seen = made(40, 300, between=8)
    none = np.zeros((len(group), 1))
    found = calibrated(seen, errors, group, none)

    def slopes(x: np.ndarray) -> np.ndarray:
        within = [v - np.array([np.bincount(group, c) / 300 for c in v.T]).T[group] for v in (x, true)]
        return np.linalg.lstsq(within[0], within[1][:, 0], rcond=None)[0]

    assert slopes(seen)[0] < 0.75
    assert slopes(found.scores) == pytest.approx([1, 0], abs=0.03)
    # reliability within groups: true variance 116 of 116 + mean SE² (16 + 1/3)
    assert found.reliability == pytest.approx([116 / 132.3] * 2, abs=0.01)


def test_with_equal_errors_group_means_stay_as_observed() -> None:
    group, _, errors, seen = made(10, 50, between=8)
    found = calibrated(seen, np.full_like(errors, 4.0), group, np.zeros((500, 1))).scores
    assert np.bincount(group, found[:, 0]) == pytest.approx(np.bincount(group, seen[:, 0]))


@pytest.mark.parametrize(("between", "less"), [(0.0, 0.7), (20.0, 1.1)])
def test_classes_by_chance_are_shrunken_and_sorted_ones_are_not(between: float, less: float) -> None:
    group, true, errors, seen = made(200, 20, between)
    found = calibrated(seen, errors, group, np.zeros((len(group), 1)), group // 20).scores

    def mean_error(x: np.ndarray) -> float:
        apart = np.bincount(group, (x - true)[:, 0]) / 20
        return float((apart**2).mean())

    assert mean_error(found) < less * mean_error(seen)


def test_a_mean_that_is_not_shrunken_errs_more_than_its_rows_tell() -> None:
    rng = np.random.default_rng(5)
    true = np.repeat(rng.normal(0, 8, 2_000), 20)[:, None] + rng.normal(0, 10, (40_000, 1))
    found = calibrated(
        true + rng.normal(0, 5, true.shape), np.full_like(true, 5.0), np.arange(40_000) // 20, np.zeros_like(true)
    )
    # rows: 25 · 100/125 = 20 each, so 1 for a mean of 20; the mean itself: 25/20
    assert found.surplus[:, 0, 0] == pytest.approx(0.25, abs=0.01)
    apart = (found.scores - true).reshape(2_000, 20)
    assert apart.mean(axis=1).var() == pytest.approx(1.25, rel=0.1)
    assert apart.var(axis=1, ddof=1).mean() == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize("between", [0.0, 20.0])
def test_what_class_means_err_is_told_also_where_they_are_shrunken(between: float) -> None:
    rng = np.random.default_rng(6)
    group, nest = np.arange(48_000) // 12, np.arange(48_000) // 36
    true = rng.normal(0, between, 4_000)[group][:, None] + rng.normal(0, 10, (48_000, 1))
    seen = true + rng.normal(0, 5, true.shape)
    found = calibrated(seen, np.full_like(true, 5.0), group, np.zeros_like(true), nest)
    apart = np.bincount(group, (found.scores - true)[:, 0]) / 12
    assert found.surplus.mean() + 20 / 12 == pytest.approx((apart**2).mean(), rel=0.06)


def test_a_unit_errs_by_the_squared_shares_of_its_groups() -> None:
    rows = pd.DataFrame({"unit_year": ["a"] * 4 + ["b"], "dose": [1.0, 1, 1, 0.5, 0.5]})
    groups = pd.Series(["x", "x", "x", "y", "y"])
    surplus = np.array([[[0.4, 0.0], [0.0, 0.2]]] * 3 + [[[1.0, 0.5], [0.5, 1.0]]] * 2)
    found = surplus_by_unit(rows, groups, surplus, np.array([1.0, 0.5]))
    # x: .4 + .25·.2 = .45; y: 1 + .25 + 2·.5·.5 = 1.75; a is 6/7 x and 1/7 y
    assert found.to_dict() == pytest.approx({"a": (36 * 0.45 + 1.75) / 49, "b": 1.75})


def test_errors_as_large_as_the_spread_are_refused() -> None:
    group, _, errors, seen = made(10, 50, between=0)
    with pytest.raises(ModelError, match="unit of the standard errors"):
        calibrated(seen, 10 * errors, group, np.zeros((500, 1)))
