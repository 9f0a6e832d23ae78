"""Prior scores without measurement error: bias of naive adjustment, and its absence after calibration."""

import numpy as np
import pytest

from workbench.errors import ModelError
from workbench.growth.value_added.prior_scores import calibrated


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


def test_errors_as_large_as_the_spread_are_refused() -> None:
    group, _, errors, seen = made(10, 50, between=0)
    with pytest.raises(ModelError, match="unit of the standard errors"):
        calibrated(seen, 10 * errors, group, np.zeros((500, 1)))
